#pragma once

#include "models/checkpoint.h"

namespace starling::models {

// Every weight is there, small and of no meaning.
NewCheckpoint tiny_model();

}  // namespace starling::models
