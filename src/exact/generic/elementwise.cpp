#include "exact/loops/elementwise.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_elementwise(Kernels& kernels) { loops::Elementwise<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
