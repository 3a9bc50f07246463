#include "exact/loops/reduce.h"

#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_reduce(Kernels& kernels) { loops::Reduce<Vector>::fill_table(kernels); }

}  // namespace starling::exact::neon
