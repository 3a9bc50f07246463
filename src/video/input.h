#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "video/ffmpeg.h"

namespace starling::video {

struct FilePart {
  std::int64_t from = 0;
  std::int64_t size = 0;
};

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
  // From now on it is these parts of what it was, one behind the other. At most once, before anything is read.
  void show_only(const std::vector<FilePart>& parts);

 private:
  Input() = default;
  base::Status start();
  int read_at(std::int64_t offset, std::uint8_t* buffer, std::int64_t size) const;
  static int read(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);

  int descriptor_ = -1;
  base::ByteView bytes_;
  std::int64_t size_ = 0;
  std::int64_t at_ = 0;
  // Each part with where it begins in what is shown.
  struct ShownPart {
    std::int64_t at = 0;
    FilePart part;
  };
  std::vector<ShownPart> shown_;  // empty: all of it
  AVIOContext* context_ = nullptr;
};

}  // namespace starling::video
