#include "exact/amx/backend.h"

namespace starling::exact::amx {

void fill_table(Kernels& kernels) {
  kernels.name = "amx";
  fill_integer_dot(kernels);
}

}  // namespace starling::exact::amx
