#include "exact/loops/dot.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_dot(Kernels& kernels) { loops::Dot<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
