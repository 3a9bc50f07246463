#pragma once

#include "exact/kernels.h"

namespace starling::exact::neon {

// The backend's table, and its parts, one from each file of the folder.
Kernels make_kernels();
void fill_elementwise(Kernels& kernels);
void fill_reduce(Kernels& kernels);
void fill_softmax(Kernels& kernels);
void fill_rows(Kernels& kernels);
void fill_random(Kernels& kernels);
void fill_dot(Kernels& kernels);
void fill_integer_dot(Kernels& kernels);
// With SDOT and UDOT, which this CPU must have.
void fill_integer_dot_sdot(Kernels& kernels);

}  // namespace starling::exact::neon
