#include "exact/loops/random.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/vector.h"

namespace starling::exact::avx512 {

void fill_random(Kernels& kernels) { loops::Random<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx512
