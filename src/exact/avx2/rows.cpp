#include "exact/avx2/backend.h"
#include "exact/avx2/vector.h"
#include "exact/loops/heads.h"

namespace starling::exact::avx2 {

void fill_rows(Kernels& kernels) {
  loops::RowKernels<Vector>::fill_table(kernels);
  loops::Norms<Vector>::fill_table(kernels);
  loops::Heads<Vector>::fill_table(kernels);
}

}  // namespace starling::exact::avx2
