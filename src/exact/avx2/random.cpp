#include "exact/loops/random.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_random(Kernels& kernels) { loops::Random<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
