#include "exact/loops/rows.h"

#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"

namespace starling::exact::avx2 {

void fill_rows(Kernels& kernels) { loops::RowKernels<Vector>::fill_table(kernels); }

}  // namespace starling::exact::avx2
