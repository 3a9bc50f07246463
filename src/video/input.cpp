#include "video/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "video/paths.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

constexpr int kBufferBytes = 1 << 16;

}  // namespace

Result<std::unique_ptr<Input>> Input::open(const std::filesystem::path& path, std::uint64_t limit) {
  std::unique_ptr<Input> input(new Input);
  // Not to wait for a writer if the path is a pipe.
  input->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat about {};
  if (input->descriptor_ < 0 || ::fstat(input->descriptor_, &about) != 0) {
    return base::system_error("read", path, errno);
  }
  if (!S_ISREG(about.st_mode)) return base::invalid("cannot read " + quoted(path) + ": it is not a file");
  input->size_ = about.st_size;
  if (static_cast<std::uint64_t>(input->size_) > limit) {
    return Error{ErrorCode::kLimit, quoted(path) + " has " + std::to_string(input->size_) +
                                        " bytes, more than the limit of " + std::to_string(limit)};
  }
  STARLING_TRY(input->start());
  return input;
}

Result<std::unique_ptr<Input>> Input::open(base::ByteView bytes) {
  std::unique_ptr<Input> input(new Input);
  input->bytes_ = bytes;
  input->size_ = static_cast<std::int64_t>(bytes.size());
  STARLING_TRY(input->start());
  return input;
}

Status Input::start() {
  auto* buffer = static_cast<std::uint8_t*>(av_malloc(kBufferBytes));
  if (buffer != nullptr) context_ = avio_alloc_context(buffer, kBufferBytes, 0, this, &read, nullptr, &seek);
  if (context_ == nullptr) {
    av_free(buffer);
    return Error{ErrorCode::kLimit, "there is no memory left for reading a video"};
  }
  return {};
}

Input::~Input() {
  if (context_ != nullptr) {
    av_freep(&context_->buffer);
    avio_context_free(&context_);
  }
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Bytes Input::peek(std::int64_t offset, std::size_t count) {
  base::Bytes bytes(count);
  const std::int64_t before = at_;
  at_ = std::clamp<std::int64_t>(offset, 0, size_);
  const int got = read(this, bytes.data(), static_cast<int>(count));
  at_ = before;
  bytes.resize(static_cast<std::size_t>(std::max(got, 0)));
  return bytes;
}

void Input::show_only(const std::vector<FilePart>& parts) {
  size_ = 0;
  for (const FilePart& part : parts) {
    shown_.push_back({size_, part});
    size_ += part.size;
  }
}

int Input::read_at(std::int64_t offset, std::uint8_t* buffer, std::int64_t size) const {
  if (descriptor_ < 0) {
    std::memcpy(buffer, bytes_.data() + offset, static_cast<std::size_t>(size));
    return static_cast<int>(size);
  }
  const std::int64_t got = ::pread(descriptor_, buffer, static_cast<std::size_t>(size), offset);
  if (got < 0) return AVERROR(errno);
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

int Input::read(void* self, std::uint8_t* buffer, int size) {
  auto& input = *static_cast<Input*>(self);
  std::int64_t wanted = std::min<std::int64_t>(size, input.size_ - input.at_);
  if (wanted <= 0) return AVERROR_EOF;
  std::int64_t from = input.at_;
  if (!input.shown_.empty()) {
    const auto behind = std::ranges::upper_bound(input.shown_, input.at_, {}, &ShownPart::at);
    const ShownPart& shown = *(behind - 1);
    from = shown.part.from + input.at_ - shown.at;
    wanted = std::min(wanted, shown.part.from + shown.part.size - from);
  }
  const int got = input.read_at(from, buffer, wanted);
  if (got > 0) input.at_ += got;
  return got;
}

std::int64_t Input::seek(void* self, std::int64_t offset, int whence) {
  auto& input = *static_cast<Input*>(self);
  const int kind = whence & ~AVSEEK_FORCE;
  if (kind == AVSEEK_SIZE) return input.size_;
  const std::int64_t from = kind == SEEK_CUR ? input.at_ : kind == SEEK_END ? input.size_ : 0;
  if (offset < -from || offset > input.size_ - from) return AVERROR(EINVAL);
  input.at_ = from + offset;
  return input.at_;
}

}  // namespace starling::video
