// Hostile video files and pictures: whatever is accepted gives frames of the size that was announced, within the
// bounds.
#include <cstdlib>

#include "video/fit.h"
#include "video/reader.h"

// On some damaged files the FFmpeg libraries lose a packet of their own; what this project allocates is still checked.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libavutil\n";
}  // NOLINT(bugprone-reserved-identifier)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const video::ReaderOptions bounds{.max_pixels = 65'536, .max_frames = 16, .max_bytes = 1'000'000};
  const auto reader = video::open_reader({data, size}, bounds);
  if (!reader.ok()) return 0;
  const int width = (*reader)->info().width;
  const int height = (*reader)->info().height;
  const auto frames = video::read_frames(**reader, bounds);
  if (!frames.ok()) return 0;
  if (frames->width != width || frames->height != height || frames->count < 1 || frames->count > bounds.max_frames ||
      frames->rgb.size() != frames->frame_bytes() * static_cast<std::size_t>(frames->count) ||
      frames->rgb.size() > bounds.max_bytes || !video::check_rate(frames->rate).ok()) {
    std::abort();
  }
  // However its pixels are shown, the first frame can be made to fit.
  if (video::cover(frames->frame(0), 32, 16, (*reader)->info().pixel_aspect).size() != 32U * 16 * 3) std::abort();
  return 0;
}
