#pragma once

#include <string>
#include <vector>

namespace starling::exact {

// What an engine can run on here: what the CPU has, the GPU's kernels on the CPU, and the GPU if there is one.
const std::vector<std::string>& all_backends();

// Whether its kernels are the GPU's: they are the same on any number of threads, and slow on the CPU.
bool is_cuda(const std::string& backend);

}  // namespace starling::exact
