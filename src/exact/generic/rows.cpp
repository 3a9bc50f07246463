#include "exact/loops/rows.h"

#include "exact/generic/backend.h"
#include "exact/generic/vector.h"

namespace starling::exact::generic {

void fill_rows(Kernels& kernels) { loops::RowKernels<Vector>::fill_table(kernels); }

}  // namespace starling::exact::generic
