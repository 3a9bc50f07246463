#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "video/ffmpeg.h"

namespace starling::video {

// The bytes of a file or of memory, as the library reads them. Nothing else can be opened through it.
class Input {
 public:
  static base::Result<std::unique_ptr<Input>> open(const std::filesystem::path& path, std::uint64_t limit);
  static base::Result<std::unique_ptr<Input>> open(base::ByteView bytes);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  AVIOContext* context() { return context_; }
  std::int64_t size() const { return size_; }
  // As many bytes from offset as there are, at most count; reading by context() goes on from where it was.
  base::Bytes peek(std::int64_t offset, std::size_t count);

 private:
  Input() = default;
  base::Status start();
  static int read(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);

  int descriptor_ = -1;
  base::ByteView bytes_;
  std::int64_t size_ = 0;
  std::int64_t at_ = 0;
  AVIOContext* context_ = nullptr;
};

}  // namespace starling::video
