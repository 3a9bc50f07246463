#pragma once

#include <string>

#include "train/world/telling.h"

namespace starling::train::world {

// A telling put into words. `tersely` leaves out more.
std::string english_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random);
// In simplified characters.
std::string chinese_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random);

}  // namespace starling::train::world
