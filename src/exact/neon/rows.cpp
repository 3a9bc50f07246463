#include "exact/loops/heads.h"
#include "exact/neon/backend.h"
#include "exact/neon/vector.h"

namespace starling::exact::neon {

void fill_rows(Kernels& kernels) {
  loops::RowKernels<Vector>::fill_table(kernels);
  loops::Norms<Vector>::fill_table(kernels);
  loops::Heads<Vector>::fill_table(kernels);
}

}  // namespace starling::exact::neon
