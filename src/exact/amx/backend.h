#pragma once

#include "exact/kernels.h"

namespace starling::exact::amx {

// The table of the avx512 backend, given as `kernels`, becomes this one's: its products of integers are made by tiles,
// for a CPU with AMX-TILE and AMX-INT8, of which the operating system lets this process use the registers.
void fill_table(Kernels& kernels);
void fill_integer_dot(Kernels& kernels);

}  // namespace starling::exact::amx
