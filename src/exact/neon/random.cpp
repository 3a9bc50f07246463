#include "exact/loops/random.h"

#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_random(Kernels& kernels) { loops::Random<Vector>::fill_table(kernels); }

}  // namespace starling::exact::neon
