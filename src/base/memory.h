#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace starling::base {

// The most memory this process has had resident at once, in bytes; 0 when the system does not say.
std::uint64_t peak_memory_bytes();
// The memory that is resident now; 0 when the system does not say.
std::uint64_t resident_memory_bytes();
// The memory of the machine, in bytes; 0 when the system does not say.
std::uint64_t physical_memory_bytes();

// What this process may still take.
struct UsableMemory {
  std::uint64_t bytes = 0;  // all bits set when nobody says
  std::string limit;        // what leaves less than the machine has, as a shell names it: "ulimit -v"; empty: nothing
};
// The memory of the machine, or what the limits of the process (RLIMIT_AS, RLIMIT_DATA) leave beside what it has mapped
// if that is less.
UsableMemory usable_memory();

// Zeroed pages straight from the system, which has them back as soon as the last holder is gone: what is resident is
// what is held. From 2 MiB on they begin with a huge page, where the system gives such. nullptr when there are none.
std::shared_ptr<std::byte> map_memory(std::size_t bytes);

}  // namespace starling::base
