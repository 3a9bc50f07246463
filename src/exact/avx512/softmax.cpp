#include "exact/loops/softmax.h"

#include "exact/avx512/backend.h"
#include "exact/avx512/vector.h"

namespace starling::exact::avx512 {

void fill_softmax(Kernels& kernels) { loops::Softmax<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx512
