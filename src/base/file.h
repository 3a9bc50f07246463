#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::base {

// A regular file mapped read-only. The bytes stay valid while the object lives; whoever cuts the file short meanwhile
// takes the process down with SIGBUS, so map only files that nobody rewrites in place (AtomicFile never does).
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  ByteView bytes() const { return {static_cast<const std::uint8_t*>(data_), size_}; }

 private:
  MappedFile(void* data, std::size_t size) : data_(data), size_(size) {}
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

// The whole of a regular file of at most limit bytes.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit);

// A file that appears under its name whole or not at all: written beside it under a temporary name, made durable and
// renamed by commit(), removed by the destructor otherwise.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  Status write(ByteView bytes);
  // Call once, last.
  Status commit();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// AtomicFile in one call.
Status write_file(const std::filesystem::path& path, ByteView bytes);

}  // namespace starling::base
