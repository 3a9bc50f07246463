#include "exact/loops/dot.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/vector.h"

namespace starling::exact::avx512 {

void fill_dot(Kernels& kernels) { loops::Dot<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx512
