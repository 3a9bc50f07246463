#include "exact/loops/random.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_random(Kernels& kernels) { loops::Random<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
