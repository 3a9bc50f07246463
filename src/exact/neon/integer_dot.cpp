#include "exact/loops/integer_dot.h"

#include "exact/neon/backend.h"
#include "exact/neon/integer_vector.h"

namespace starling::exact::neon {

void fill_integer_dot(Kernels& kernels) { kernels.integer_dot = loops::IntegerDot<IntegerVector>::kernels("neon"); }

}  // namespace starling::exact::neon
