#include "video/frames.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::invalid;
using base::Result;
using base::Status;

Status check_rate(Rate rate) {
  const bool positive = rate.numerator > 0 && rate.denominator > 0;
  if (!positive || rate.per_second() > kMaxRate || rate.per_second() < 0.001) {
    return invalid("a frame rate of " + std::to_string(rate.numerator) + "/" + std::to_string(rate.denominator) +
                   " a second cannot be used: give one between 1/1000 and " + std::to_string(kMaxRate));
  }
  return {};
}

Status check_size(int width, int height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    return invalid("a frame of " + std::to_string(width) + "x" + std::to_string(height) +
                   " pixels cannot be held: each side must be between 1 and " + std::to_string(kMaxSide));
  }
  return {};
}

Result<Frames> make_frames(int width, int height, int count, Rate rate) {
  STARLING_TRY(check_size(width, height));
  STARLING_TRY(check_rate(rate));
  if (count < 0 || count > kMaxCount) {
    return invalid("a video of " + std::to_string(count) + " frames cannot be held: give between 0 and " +
                   std::to_string(kMaxCount));
  }
  Frames frames{width, height, count, rate, {}};
  if (frames.frame_bytes() * static_cast<std::size_t>(count) > kMaxFramesBytes) {
    return Error{ErrorCode::kLimit, "a video of " + std::to_string(count) + " frames of " + std::to_string(width) +
                                        "x" + std::to_string(height) + " pixels does not fit into the limit of " +
                                        std::to_string(kMaxFramesBytes >> 20) + " MiB: use fewer or smaller frames"};
  }
  frames.rgb.resize(frames.frame_bytes() * static_cast<std::size_t>(count));
  return frames;
}

base::Hash frame_hash(const FrameView& frame) {
  std::array<std::uint8_t, 8> head{};
  for (int byte = 0; byte < 4; ++byte) {
    head[byte] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(frame.width) >> (8 * byte));
    head[4 + byte] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(frame.height) >> (8 * byte));
  }
  base::Sha256 hash;
  hash.update(head);
  hash.update(frame.rgb);
  return hash.finish();
}

Status pixels_from_values(std::span<const float> values, std::span<std::uint8_t> pixels) {
  if (values.size() != pixels.size()) {
    return Error{ErrorCode::kInternal, "a frame of " + std::to_string(pixels.size()) + " bytes cannot be filled from " +
                                           std::to_string(values.size()) + " values"};
  }
  bool finite = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    finite &= std::isfinite(value);
    const float scaled = (std::min(std::max(value, -1.0f), 1.0f) + 1.0f) * 127.5f;
    // 1.5 · 2^23 leaves no bits below one, so the addition itself rounds to the nearest integer, halves to even, and
    // the integer stands in the low bits.
    pixels[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(scaled + 12582912.0f));
  }
  if (finite) return {};
  const auto first = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return Error{ErrorCode::kNonFinite, "value " + std::to_string(first - values.begin()) +
                                          " of a frame is not a finite number, so it has no colour"};
}

Result<Frames> frames_from_values(std::span<const float> values, int width, int height, int count, Rate rate) {
  STARLING_ASSIGN(Frames frames, make_frames(width, height, count, rate));
  STARLING_TRY(pixels_from_values(values, frames.rgb));
  return frames;
}

void values_from_pixels(std::span<const std::uint8_t> pixels, std::span<float> values) {
  const std::size_t count = std::min(pixels.size(), values.size());
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(pixels[i]) / 127.5f - 1.0f;
}

}  // namespace starling::video
