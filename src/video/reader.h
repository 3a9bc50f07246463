#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "video/frames.h"

namespace starling::video {

struct ReaderOptions {
  // Frames a second wanted: for each output time k / rate the frame nearest in time is given (the earlier of two
  // equally near), up to the end of the last frame. Without it every frame is given once. Of pictures it is simply
  // their rate.
  std::optional<Rate> rate = {};
  // Bounds; passing one is an error with the code LIMIT.
  std::uint64_t max_file_bytes = std::uint64_t{16} << 30;
  std::int64_t max_pixels = 40'000'000;          // of one frame
  int max_frames = 100'000;                      // decoded or given
  std::size_t max_bytes = std::size_t{4} << 30;  // of pixels, in read_frames()
};

struct VideoInfo {
  int width = 0;  // after rotation
  int height = 0;
  Rate rate = {};         // as given by the reader
  std::string container;  // the library's names
  std::string codec;
  // RGB is stored, by a codec that can keep every bit and, where it says at what quantiser, at 0: as the option
  // lossless writes it. Judged by the first frame.
  bool lossless = false;
  // Width to height of a pixel as it is to be shown, in lowest terms. Reading does not stretch.
  Rate pixel_aspect = {1, 1};
};

// When a frame is shown, in seconds.
struct FrameTime {
  double start = 0;                // from the first frame on
  std::optional<double> duration;  // if the file says so
  double tick = 0;                 // what the file counts in
};

// A video file or picture being read, frame by frame, in bounded memory. Colours become sRGB by the file's matrix and
// range; rotation and mirroring that the file asks for are applied; transparent parts lie over black. The file may hold
// anything: what is not a video, or is damaged or cut short, is the error CORRUPT. Only the file itself is opened,
// whatever it refers to. Not thread safe.
class Reader {
 public:
  virtual ~Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  virtual const VideoInfo& info() const = 0;
  // The next frame, or false after the last. After an error there is nothing more to read.
  virtual base::Result<bool> next(Picture& frame) = 0;
  // Of the frame that next() gave last; nothing where files hold no times: for pictures, and with a rate asked for.
  virtual std::optional<FrameTime> time() const { return std::nullopt; }

 protected:
  Reader() = default;
};

// path is a file, or a sequence of pictures as file_type_of() in video/writer.h names them; the numbers of a sequence
// may start anywhere, and next() gives CORRUPT where one is missing.
base::Result<std::unique_ptr<Reader>> open_reader(const std::filesystem::path& path, const ReaderOptions& options = {});

// A file in memory, which must outlive the reader.
base::Result<std::unique_ptr<Reader>> open_reader(base::ByteView file, const ReaderOptions& options = {});

// All frames at once. A video without frames is an error.
base::Result<Frames> read_frames(const std::filesystem::path& path, const ReaderOptions& options = {});
base::Result<Frames> read_frames(Reader& reader, const ReaderOptions& options = {});

// The first frame of a picture or video.
base::Result<Picture> read_picture(const std::filesystem::path& path, const ReaderOptions& options = {});

}  // namespace starling::video
