#include "generate/given.h"

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "generate/clip_frames.h"
#include "proof/commitment.h"
#include "video/fit.h"

namespace starling::generate {
namespace {

video::Rate rate_of(const TextToVideo& request) {
  return {static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
}

std::size_t frame_bytes(const TextToVideo& request) {
  return static_cast<std::size_t>(request.width) * static_cast<std::size_t>(request.height) * 3;
}

video::Frames no_frames(const TextToVideo& request) {
  return {static_cast<int>(request.width), static_cast<int>(request.height), 0, rate_of(request), {}};
}

base::Status fit_into(video::Reader& reader, const TextToVideo& request, std::int64_t most, const TakeFrame& take) {
  video::Picture picture;
  std::int64_t count = 0;
  for (; most == 0 || count < most; ++count) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(const bool more, reader.next(picture));
    if (!more) break;
    if (static_cast<std::size_t>(count + 1) > kMaxGivenBytes / frame_bytes(request)) {
      return base::limit_error("the clip has more than " + std::to_string(count) + " frames of " +
                               std::to_string(request.width) + "x" + std::to_string(request.height) +
                               " pixels, which is as many as a video can go on from: cut it, or ask for a smaller "
                               "size");
    }
    STARLING_TRY(take(video::cover(picture.view(), static_cast<int>(request.width), static_cast<int>(request.height),
                                   reader.info().pixel_aspect)));
  }
  if (count == 0) return base::invalid("the clip has no frames");
  return {};
}

// All frames that fit_clip_into() gives.
base::Result<video::Frames> collect(const auto& file, const TextToVideo& request, std::int64_t most) {
  video::Frames frames = no_frames(request);
  STARLING_TRY(fit_clip_into(file, request, most, [&](base::ByteView frame) -> base::Status {
    frames.rgb.insert(frames.rgb.end(), frame.begin(), frame.end());
    ++frames.count;
    return {};
  }));
  return frames;
}

video::ReaderOptions options_for(const TextToVideo& request) {
  video::ReaderOptions options;
  options.rate = rate_of(request);
  return options;
}

// Leaves out frames in front, and behind.
void cut(video::Frames& frames, std::int64_t front, std::int64_t behind) {
  const auto size = static_cast<std::ptrdiff_t>(frames.frame_bytes());
  frames.rgb.erase(frames.rgb.begin(), frames.rgb.begin() + front * size);
  frames.rgb.erase(frames.rgb.end() - behind * size, frames.rgb.end());
  frames.count -= static_cast<int>(front + behind);
}

void repeat_first(video::Frames& frames, std::int64_t times) {
  const std::vector<std::uint8_t> first(frames.rgb.begin(),
                                        frames.rgb.begin() + static_cast<std::ptrdiff_t>(frames.frame_bytes()));
  for (std::int64_t i = 0; i < times; ++i) frames.rgb.insert(frames.rgb.begin(), first.begin(), first.end());
  frames.count += static_cast<int>(times);
}

}  // namespace

base::Result<video::Frames> fit_clip(const std::filesystem::path& file, const TextToVideo& request, std::int64_t most) {
  return collect(file, request, most);
}

base::Result<video::Frames> fit_clip(base::ByteView file, const TextToVideo& request, std::int64_t most) {
  return collect(file, request, most);
}

base::Status fit_clip_into(const std::filesystem::path& file, const TextToVideo& request, std::int64_t most,
                           const TakeFrame& take) {
  STARLING_ASSIGN(const std::unique_ptr<video::Reader> reader, video::open_reader(file, options_for(request)));
  base::Status done = fit_into(*reader, request, most, take);
  if (done.ok() || done.error().code == base::ErrorCode::kCancelled) return done;
  return base::Error{done.error().code, file.string() + ": " + done.error().message};
}

base::Status fit_clip_into(base::ByteView file, const TextToVideo& request, std::int64_t most, const TakeFrame& take) {
  STARLING_ASSIGN(const std::unique_ptr<video::Reader> reader, video::open_reader(file, options_for(request)));
  return fit_into(*reader, request, most, take);
}

video::Frames in_strides(const models::ModelConfig& config, video::Frames clip, Place place) {
  const std::int64_t stride = frame_stride(config);
  switch (place) {
    case Place::kStart:
      cut(clip, (clip.count - 1) % stride, 0);
      break;
    case Place::kWhole:
      cut(clip, 0, (clip.count - 1) % stride);
      break;
    case Place::kEnd:
      if (clip.count < stride) repeat_first(clip, stride - clip.count);
      if (clip.count % stride == 0) repeat_first(clip, 1);
      cut(clip, (clip.count - 1) % stride, 0);
      break;
  }
  return clip;
}

GivenFrames give(TextToVideo& request, const video::Frames& start, const video::Frames& end) {
  auto given = std::make_shared<video::Frames>(no_frames(request));
  given->rgb = start.rgb;
  given->rgb.insert(given->rgb.end(), end.rgb.begin(), end.rgb.end());
  given->count = start.count + end.count;
  request.start = start.count;
  request.end = std::max(0, end.count - 1);
  request.given = given_root(*given);
  if (request.strength) request.frames = start.count;
  return given;
}

base::Hash given_root(const video::Frames& frames) {
  std::vector<base::Hash> hashes;
  for (int i = 0; i < frames.count; ++i) hashes.push_back(video::frame_hash(frames.frame(i)));
  return proof::list_root(hashes);
}

base::Status check_given(const TextToVideo& request, const video::Frames& frames) {
  if (frames.width != request.width || frames.height != request.height || frames.count != request.given_frames() ||
      frames.rgb.size() != frames.frame_bytes() * static_cast<std::size_t>(frames.count) || !request.given ||
      given_root(frames) != *request.given) {
    return base::corrupt("the given frames are not those that the video goes on from");
  }
  return {};
}

base::Result<GivenFrames> given_from_pixels(const TextToVideo& request, base::ByteView pixels) {
  if (pixels.size() > kMaxGivenBytes ||
      pixels.size() != frame_bytes(request) * static_cast<std::size_t>(request.given_frames())) {
    return base::corrupt("the given frames take " + std::to_string(pixels.size()) + " bytes, not the " +
                         std::to_string(request.given_frames()) + " frames that the video goes on from");
  }
  auto given = std::make_shared<video::Frames>(no_frames(request));
  given->count = static_cast<int>(request.given_frames());
  given->rgb.assign(pixels.begin(), pixels.end());
  STARLING_TRY(check_given(request, *given));
  return GivenFrames(std::move(given));
}

}  // namespace starling::generate
