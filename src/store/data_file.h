#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::store {

// An open regular file that is read and written at offsets. Reading and writing are thread safe.
class DataFile {
 public:
  static base::Result<DataFile> open(const std::filesystem::path& path);            // to read
  static base::Result<DataFile> open_or_create(const std::filesystem::path& path);  // to read and write
  DataFile(DataFile&& other) noexcept;
  DataFile& operator=(DataFile&& other) noexcept;
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile();

  base::Result<std::uint64_t> size() const;
  // Fills the buffer; an error when the file ends before.
  base::Status read(std::uint64_t offset, std::span<std::uint8_t> buffer) const;
  base::Status write(std::uint64_t offset, base::ByteView bytes);
  base::Status resize(std::uint64_t size);
  base::Status sync();
  // Lets the disk begin with what was written there, so that sync() has less to wait for. Promises nothing.
  void begin_sync(std::uint64_t offset, std::uint64_t size) const;
  // Where bytes that were ever written begin, at or after offset; nothing when there are none. May say too much.
  std::optional<std::uint64_t> next_data(std::uint64_t offset) const;
  // Sets the time of the last change, in Unix seconds.
  base::Status set_time(std::int64_t seconds);

 private:
  DataFile(std::filesystem::path path, int descriptor);
  static base::Result<DataFile> open_with(const std::filesystem::path& path, int flags);
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace starling::store
