#pragma once

#include "base/json.h"
#include "train/world/take.h"

namespace starling::train::world {

// Everything known of a clip but its pixels and captions, with the names that name() gives; docs/world.md describes it.
base::Json truth_json(const Take& take);

}  // namespace starling::train::world
