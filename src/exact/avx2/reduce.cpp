#include "exact/loops/reduce.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_reduce(Kernels& kernels) { loops::Reduce<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
