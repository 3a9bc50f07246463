// Memory where there are no pages to be had: from the heap.
#include "base/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace starling::base {

std::uint64_t peak_memory_bytes() { return 0; }
std::uint64_t resident_memory_bytes() { return 0; }
std::uint64_t physical_memory_bytes() { return 0; }
UsableMemory usable_memory() { return {SIZE_MAX, {}}; }

std::shared_ptr<std::byte> map_memory(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  auto* const begin = static_cast<std::byte*>(std::aligned_alloc(kAlignment, size));
  if (begin == nullptr) return nullptr;
  std::memset(begin, 0, size);
  return {begin, std::free};
}

}  // namespace starling::base
