#include "exact/loops/elementwise.h"

#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_elementwise(Kernels& kernels) { loops::Elementwise<Vector>::fill_table(kernels); }

}  // namespace starling::exact::neon
