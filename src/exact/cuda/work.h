#pragma once

#include <variant>

#include "exact/cuda/dot.h"
#include "exact/cuda/integer_dot.h"
#include "exact/cuda/moves.h"
#include "exact/cuda/pass.h"

namespace starling::exact::cuda {

// One kernel with its arguments, which point to memory of the device. What is launched by rows says on how many threads
// a row is.
template <class Kernel>
struct ByRows {
  Kernel kernel;
  bool on_one_thread;
};

using Work = std::variant<Clear, CopyElements, GatherRows, ScatterAddRows, RoundToI32, RandomNumbers, Coordinates,
                          ElementPass, ByRows<RowPass>, ByRows<Reduction>, FloatDot, IntegerDot>;

}  // namespace starling::exact::cuda
