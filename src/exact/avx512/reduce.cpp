#include "exact/loops/reduce.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/vector.h"

namespace starling::exact::avx512 {

void fill_reduce(Kernels& kernels) { loops::Reduce<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx512
