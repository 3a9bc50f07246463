#include "exact/loops/elementwise.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_elementwise(Kernels& kernels) { loops::Elementwise<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
