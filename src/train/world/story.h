#pragma once

#include "train/world/truth.h"

namespace starling::train::world {

// Holds a scenario's story to what happened: gives each clause its time, drops those that need not come true and did
// not, and puts them in order. False if one that is needed did not come true, if two things meet of which it does not
// say so, or if something is not seen as it should be: each thing wholly, but for a wall, from the first frame or from
// when it has entered.
bool confirm(Scenario& scenario, const Course& course, const ClipTruth& truth);

}  // namespace starling::train::world
