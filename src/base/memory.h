#pragma once

#include <cstdint>

namespace starling::base {

// The most memory this process has had resident at once, in bytes; 0 when the system does not say.
std::uint64_t peak_memory_bytes();
// The memory of the machine, in bytes; 0 when the system does not say.
std::uint64_t physical_memory_bytes();

}  // namespace starling::base
