#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace starling::api {

// A regular file that is open to read, to be sent.
class OpenFile {
 public:
  static base::Result<OpenFile> open(const std::filesystem::path& path);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  std::uint64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }
  // Gives the descriptor away: the caller closes it.
  int release();

 private:
  OpenFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace starling::api
