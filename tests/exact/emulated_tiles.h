#pragma once

#include <vector>

#include "exact/kernels.h"

namespace starling::exact {

// The amx backend's integer products over tiles that are emulated as Intel's Software Developer's Manual (volume 2)
// describes them, for any CPU. What the instructions would fault on is a failure of the test.
const IntegerDotKernels& emulated_tile_products();

// available_integer_dots(), and that.
std::vector<const IntegerDotKernels*> every_integer_dot();

}  // namespace starling::exact
