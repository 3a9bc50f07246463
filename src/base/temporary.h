#pragma once

#include <cstdint>
#include <filesystem>

namespace starling::base {

enum class TemporaryKind : std::uint8_t {
  kFile,
  kFolder,       // with the files in it, but no folders
  kTree,         // with all that is in it, eight folders deep
  kEmptyFolder,  // only if nothing is in it
};

// While it lives, the name goes with the process: the signal that ends the program removes it (interrupt.h). Say so
// before the file is made, so that no signal falls between. The table has 64 places; a name beyond them, or one of 4096
// bytes, is not remembered. Thread safe, but for one object.
class TemporaryName {
 public:
  TemporaryName() = default;
  explicit TemporaryName(const std::filesystem::path& path, TemporaryKind kind = TemporaryKind::kFile);
  TemporaryName(TemporaryName&& other) noexcept;
  TemporaryName& operator=(TemporaryName&& other) noexcept;
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName();

 private:
  int place_ = -1;
};

// Removes a folder with all that is in it, 16 folders deep. Async-signal-safe.
void remove_tree(const char* path) noexcept;

// Removes every name there is; for a signal handler of a process that ends. Async-signal-safe.
void remove_temporaries() noexcept;

}  // namespace starling::base
