#include "exact/loops/integer_dot.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/integer_vector.h"

namespace starling::exact::avx512 {

void fill_integer_dot(Kernels& kernels) { kernels.integer_dot = loops::IntegerDot<IntegerVector>::kernels("avx512"); }

}  // namespace starling::exact::avx512
