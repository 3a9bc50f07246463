#include "exact/generic/backend.h"

namespace starling::exact::generic {

Kernels make_kernels() {
  Kernels kernels{};
  kernels.name = "generic";
  fill_elementwise(kernels);
  fill_reduce(kernels);
  fill_softmax(kernels);
  fill_rows(kernels);
  fill_random(kernels);
  fill_dot(kernels);
  fill_integer_dot(kernels);
  return kernels;
}

}  // namespace starling::exact::generic
