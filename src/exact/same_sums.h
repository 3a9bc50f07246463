#pragma once

#include "exact/kernels.h"

namespace starling::exact {

// Whether two kinds of integer products give the same sums on products of random numbers, signed and unsigned, whose
// rows, columns and depth are no whole tiles. Takes well under a millisecond.
bool same_sums(const IntegerDotKernels& one, const IntegerDotKernels& other);

}  // namespace starling::exact
