#include "exact/loops/integer_dot.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/integer_vector.h"

namespace starling::exact::avx2 {

void fill_integer_dot(Kernels& kernels) { kernels.integer_dot = loops::IntegerDot<IntegerVector>::kernels("avx2"); }

}  // namespace starling::exact::avx2
