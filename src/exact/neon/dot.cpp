#include "exact/loops/dot.h"

#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_dot(Kernels& kernels) { loops::Dot<Vector>::fill_table(kernels); }

}  // namespace starling::exact::neon
