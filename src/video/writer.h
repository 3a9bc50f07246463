#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "video/frames.h"

namespace starling::video {

enum class FileType { kMp4, kWebm, kGif, kPng, kPngSequence };

// The type that a path asks for: by extension (.mp4 .webm .gif .png, in either case); a PNG sequence for a name with
// one %d or %0Nd in it and for a folder (an existing one, or a path that ends in a slash), where the frames are called
// frame-%04d.png. Anything else is an error that lists these.
base::Result<FileType> file_type_of(const std::filesystem::path& path);

struct WriterOptions {
  Rate rate = {};
  // Decoding gives back the same RGB: H.264 at quantiser 0 or lossless VP9, both in RGB. PNG is always lossless; GIF is
  // so only for frames of at most 256 colours, and refuses this option.
  bool lossless = false;
  // Constant rate factor of .mp4 (0 to 51) and .webm (0 to 63), lower is better; -1 means 14 and 16.
  int quality = -1;
};

// A video file being written, one frame at a time, in bounded memory. Everything is written beside the target under a
// hidden name and moved into place by finish(); a writer that is destroyed before that leaves nothing. Not thread safe.
class Writer {
 public:
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Errors: a frame of another size, a second frame for .png, a full disk.
  virtual base::Status add(const FrameView& frame) = 0;
  // xmp: a packet that an .mp4 carries (xmp.h); other types do not. Errors: no frame was added; the disk is full. Call
  // once; nothing may be added after it.
  virtual base::Status finish(std::string_view xmp) = 0;
  base::Status finish() { return finish({}); }

 protected:
  Writer() = default;
};

// Errors: unknown type, size or rate out of bounds, a folder that does not exist or cannot be written.
base::Result<std::unique_ptr<Writer>> open_writer(const std::filesystem::path& path, int width, int height,
                                                  const WriterOptions& options);

// All of it at once; options.rate is replaced by the frames' own.
base::Status write_video(const std::filesystem::path& path, const Frames& frames, WriterOptions options = {});

}  // namespace starling::video
