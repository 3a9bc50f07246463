#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::base {

// A file without a name, for bytes that need not be in memory for a while. It goes with the object, and with the
// process however that ends. Not thread safe.
class ScratchFile {
 public:
  // In the folder that TMPDIR names, else in /var/tmp, which is on a disk where /tmp is in memory, else in /tmp.
  // kLimit when fewer than `wanted` bytes are free there.
  static Result<ScratchFile> create(std::uint64_t wanted);
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&& other) noexcept;
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  // Writes the bytes where there is room, and says where that is.
  Result<std::uint64_t> put(ByteView bytes);
  // Bytes that were put there, as many.
  Status get(std::uint64_t at, std::span<std::uint8_t> bytes) const;
  // Gives the room of bytes that were put there to others.
  void drop(std::uint64_t at, std::uint64_t bytes);
  // The length that the file has grown to.
  std::uint64_t size() const { return end_; }

 private:
  ScratchFile(std::filesystem::path folder, int descriptor) : folder_(std::move(folder)), descriptor_(descriptor) {}
  std::uint64_t take(std::uint64_t bytes);
  std::filesystem::path folder_;
  int descriptor_ = -1;
  std::uint64_t end_ = 0;
  std::map<std::uint64_t, std::uint64_t> free_;  // lengths by place; no two touch
};

}  // namespace starling::base
