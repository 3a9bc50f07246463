#include "exact/loops/softmax.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_softmax(Kernels& kernels) { loops::Softmax<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
