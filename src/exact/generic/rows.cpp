#include "exact/generic/backend.h"
#include "exact/generic/vector.h"
#include "exact/loops/heads.h"

namespace starling::exact::generic {

void fill_rows(Kernels& kernels) {
  loops::RowKernels<Vector>::fill_table(kernels);
  loops::Norms<Vector>::fill_table(kernels);
  loops::Heads<Vector>::fill_table(kernels);
}

}  // namespace starling::exact::generic
