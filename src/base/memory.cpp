#include "base/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>

#include "base/file.h"

namespace starling::base {
namespace {

// Of /proc/self/status, in bytes.
std::uint64_t status_field(std::string_view name) {
  const Result<std::string> status = read_text_file("/proc/self/status", 1 << 16);
  if (!status.ok()) return 0;
  const std::size_t at = status->find(name);
  if (at == std::string::npos) return 0;
  std::string_view rest = std::string_view(*status).substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_of("0123456789"), rest.size()));
  std::uint64_t kibibytes = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), kibibytes);
  return kibibytes * 1024;
}

constexpr std::size_t kHugePage = std::size_t{2} << 20U;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

std::uint64_t peak_memory_bytes() {
  // Unlike getrusage's number it starts anew at exec, so a large parent does not count.
  if (const std::uint64_t peak = status_field("VmHWM:"); peak != 0) return peak;
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::uint64_t resident_memory_bytes() { return status_field("VmRSS:"); }

std::uint64_t physical_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

UsableMemory usable_memory() {
  const std::uint64_t physical = physical_memory_bytes();
  UsableMemory usable{physical == 0 ? std::numeric_limits<std::uint64_t>::max() : physical, {}};
  const auto respect = [&](auto resource, std::string_view mapped, const char* name) {
    struct rlimit limit {};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    const std::uint64_t there = status_field(mapped);
    const std::uint64_t left = limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, there);
    if (left < usable.bytes) usable = {left, name};
  };
  respect(RLIMIT_AS, "VmSize:", "ulimit -v");
  respect(RLIMIT_DATA, "VmData:", "ulimit -d");
  return usable;
}

std::shared_ptr<std::byte> map_memory(std::size_t bytes) {
  const bool huge = bytes >= kHugePage;
  const auto page = static_cast<std::size_t>(std::max(::sysconf(_SC_PAGESIZE), 1L));
  const std::size_t size = rounded(std::max<std::size_t>(bytes, 1), page);
  const std::size_t room = size + (huge ? kHugePage : 0);
  void* const mapped = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  if (huge) {
    // What lies before the first huge page and behind the end goes back.
    const std::size_t before =
        rounded(reinterpret_cast<std::uintptr_t>(begin), kHugePage) - reinterpret_cast<std::uintptr_t>(begin);
    if (before > 0) ::munmap(begin, before);
    begin += before;
    if (const std::size_t behind = room - before - size; behind > 0) ::munmap(begin + size, behind);
    ::madvise(begin, size / kHugePage * kHugePage, MADV_HUGEPAGE);  // advice: it may be declined
  }
  return {begin, [size](std::byte* memory) { ::munmap(memory, size); }};
}

}  // namespace starling::base
