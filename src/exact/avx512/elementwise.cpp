#include "exact/loops/elementwise.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/vector.h"

namespace starling::exact::avx512 {

void fill_elementwise(Kernels& kernels) { loops::Elementwise<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx512
