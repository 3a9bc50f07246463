#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "video/encoder.h"
#include "video/paths.h"
#include "video/writers.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace fs = std::filesystem;

namespace {

// shown: the name that the file will have in the end, for messages.
Status write_file(const fs::path& path, const fs::path& shown, const AVPacket& packet) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return base::system_error("write", shown, errno);
  const auto size = static_cast<std::size_t>(packet.size);
  const bool written = std::fwrite(packet.data, 1, size, file) == size;
  int number = errno;
  const bool closed = std::fclose(file) == 0;
  if (written && !closed) number = errno;
  if (!written || !closed) return base::system_error("write", shown, number);
  return {};
}

// Each frame of a PNG encoder is one packet and one file.
Result<std::unique_ptr<Encoder>> open_encoder(int width, int height) {
  return Encoder::open({.codec = Codec::kPng, .width = width, .height = height});
}

Result<AVPacket*> encode(Encoder& encoder, const FrameView& frame) {
  STARLING_TRY(encoder.send(frame));
  STARLING_ASSIGN(AVPacket * packet, encoder.receive());
  if (packet == nullptr) return Error{ErrorCode::kInternal, "the PNG encoder gave no picture for a frame"};
  return packet;
}

class PictureWriter final : public Writer {
 public:
  PictureWriter(const fs::path& path, std::unique_ptr<Encoder> encoder) : path_(path), encoder_(std::move(encoder)) {}

  Status add(const FrameView& frame) override {
    if (!picture_.empty()) {
      return base::invalid(quoted(path_) + " can hold one frame only: write a video to .mp4, .webm, .gif or -%04d.png");
    }
    STARLING_ASSIGN(const AVPacket* packet, encode(*encoder_, frame));
    picture_.assign(packet->data, packet->data + packet->size);
    return {};
  }

  Status finish(std::string_view /*xmp*/) override {
    if (picture_.empty()) return base::invalid("cannot write " + quoted(path_) + ": the video has no frames");
    return base::write_file(path_, picture_);
  }

 private:
  fs::path path_;
  std::unique_ptr<Encoder> encoder_;
  base::Bytes picture_;
};

class SequenceWriter final : public Writer {
 public:
  SequenceWriter(Sequence sequence, std::unique_ptr<Encoder> encoder)
      : sequence_(std::move(sequence)), encoder_(std::move(encoder)) {}

  // The folder is made if its parent exists; it goes again if nothing is published.
  Status open() {
    if (!sequence_.folder.empty() && ::mkdir(sequence_.folder.c_str(), 0777) == 0) {
      made_folder_ = true;
      folder_name_ = base::TemporaryName(sequence_.folder, base::TemporaryKind::kEmptyFolder);
    }
    const fs::path first = sequence_.folder / sequence_.pattern.name(0);
    base::remove_abandoned(first);
    STARLING_ASSIGN(partial_, base::Partial::make_folder(first));
    return {};
  }

  ~SequenceWriter() override {
    partial_ = {};
    std::error_code ignored;
    if (made_folder_ && !published_) fs::remove(sequence_.folder, ignored);
  }

  Status add(const FrameView& frame) override {
    if (count_ >= kMaxCount) return base::invalid("a sequence of pictures ends at " + std::to_string(kMaxCount));
    STARLING_ASSIGN(const AVPacket* packet, encode(*encoder_, frame));
    const std::string name = sequence_.pattern.name(count_);
    STARLING_TRY(write_file(partial_.path() / name, sequence_.folder / name, *packet));
    ++count_;
    return {};
  }

  Status finish(std::string_view /*xmp*/) override {
    if (count_ == 0) {
      return base::invalid("cannot write pictures into " + quoted(sequence_.folder) + ": the video has no frames");
    }
    published_ = true;
    folder_name_ = {};
    for (int index = 0; index < count_; ++index) {
      const std::string name = sequence_.pattern.name(index);
      if (::rename((partial_.path() / name).c_str(), (sequence_.folder / name).c_str()) != 0) {
        return base::system_error("write", sequence_.folder / name, errno);
      }
    }
    // What an earlier, longer video left behind would be read as more frames of this one.
    std::error_code ignored;
    for (int index = count_; fs::remove(sequence_.folder / sequence_.pattern.name(index), ignored); ++index) {
    }
    return {};
  }

 private:
  Sequence sequence_;
  base::Partial partial_;
  std::unique_ptr<Encoder> encoder_;
  int count_ = 0;
  bool made_folder_ = false;
  base::TemporaryName folder_name_;  // while it is made and unpublished
  bool published_ = false;
};

}  // namespace

Result<std::unique_ptr<Writer>> open_picture_writer(const fs::path& path, int width, int height) {
  base::remove_abandoned(path);
  STARLING_ASSIGN(std::unique_ptr<Encoder> encoder, open_encoder(width, height));
  return std::unique_ptr<Writer>(std::make_unique<PictureWriter>(path, std::move(encoder)));
}

Result<std::unique_ptr<Writer>> open_sequence_writer(const fs::path& path, int width, int height) {
  const std::optional<Sequence> sequence = parse_sequence(path);
  if (!sequence) return base::invalid(quoted(path) + " does not name a sequence of pictures");
  STARLING_ASSIGN(std::unique_ptr<Encoder> encoder, open_encoder(width, height));
  auto writer = std::make_unique<SequenceWriter>(*sequence, std::move(encoder));
  STARLING_TRY(writer->open());
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace starling::video
