#include "base/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/file.h"

namespace starling::base {
namespace {

// VmHWM of /proc/self/status. Unlike getrusage's number it starts anew at exec, so a large parent does not count.
std::uint64_t high_water_mark() {
  const Result<std::string> status = read_text_file("/proc/self/status", 1 << 16);
  if (!status.ok()) return 0;
  constexpr std::string_view kField = "VmHWM:";
  const std::size_t at = status->find(kField);
  if (at == std::string::npos) return 0;
  std::string_view rest = std::string_view(*status).substr(at + kField.size());
  rest.remove_prefix(std::min(rest.find_first_of("0123456789"), rest.size()));
  std::uint64_t kibibytes = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), kibibytes);
  return kibibytes * 1024;
}

}  // namespace

std::uint64_t peak_memory_bytes() {
  if (const std::uint64_t peak = high_water_mark(); peak != 0) return peak;
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::uint64_t physical_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

}  // namespace starling::base
