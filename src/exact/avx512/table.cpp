#include "exact/avx512/backend.h"

namespace starling::exact::avx512 {

Kernels make_kernels() {
  Kernels kernels{};
  kernels.name = "avx512";
  fill_elementwise(kernels);
  fill_reduce(kernels);
  fill_softmax(kernels);
  fill_rows(kernels);
  fill_random(kernels);
  fill_dot(kernels);
  fill_integer_dot(kernels);
  return kernels;
}

}  // namespace starling::exact::avx512
