#include "exact/loops/softmax.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_softmax(Kernels& kernels) { loops::Softmax<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
