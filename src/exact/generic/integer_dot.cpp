#include "exact/loops/integer_dot.h"

#include "exact/generic/backend.h"
#include "exact/generic/integer_vector.h"

namespace starling::exact::generic {

void fill_integer_dot(Kernels& kernels) { kernels.integer_dot = loops::IntegerDot<IntegerVector>::kernels("generic"); }

}  // namespace starling::exact::generic
