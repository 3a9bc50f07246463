#include "exact/neon/backend.h"

namespace starling::exact::neon {

Kernels make_kernels() {
  Kernels kernels{};
  kernels.name = "neon";
  fill_elementwise(kernels);
  fill_reduce(kernels);
  fill_softmax(kernels);
  fill_rows(kernels);
  fill_random(kernels);
  fill_dot(kernels);
  fill_integer_dot(kernels);
  return kernels;
}

}  // namespace starling::exact::neon
