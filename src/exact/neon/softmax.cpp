#include "exact/loops/softmax.h"

#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_softmax(Kernels& kernels) { loops::Softmax<Vector>::fill_table(kernels); }

}  // namespace starling::exact::neon
