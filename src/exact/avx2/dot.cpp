#include "exact/loops/dot.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_dot(Kernels& kernels) { loops::Dot<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
