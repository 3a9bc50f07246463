#pragma once

#include <string>

#include "exact/engine.h"

namespace starling::exact {

// What a plan does, one line a step.
std::string steps_of(const Plan& plan);

}  // namespace starling::exact
