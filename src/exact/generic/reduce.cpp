#include "exact/loops/reduce.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_reduce(Kernels& kernels) { loops::Reduce<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
