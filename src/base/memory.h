#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace starling::base {

// The most memory this process has had resident at once, in bytes; 0 when the system does not say.
std::uint64_t peak_memory_bytes();
// The memory that is resident now; 0 when the system does not say.
std::uint64_t resident_memory_bytes();
// The memory of the machine, in bytes; 0 when the system does not say.
std::uint64_t physical_memory_bytes();

// Zeroed pages straight from the system, which has them back as soon as the last holder is gone: what is resident is
// what is held. From 2 MiB on they begin with a huge page, where the system gives such. nullptr when there are none.
std::shared_ptr<std::byte> map_memory(std::size_t bytes);

}  // namespace starling::base
