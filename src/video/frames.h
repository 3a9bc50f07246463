#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace starling::video {

// Bounds on what this folder holds in memory or accepts from a file.
inline constexpr int kMaxSide = 8192;                                 // pixels
inline constexpr int kMaxCount = 1'000'000;                           // frames of one video
inline constexpr std::size_t kMaxFramesBytes = std::size_t{8} << 30;  // of one Frames
inline constexpr int kMaxRate = 1000;                                 // frames a second

// Frames a second as a fraction; both parts positive, in lowest terms where this folder made it.
struct Rate {
  int numerator = 8;
  int denominator = 1;

  bool operator==(const Rate&) const = default;
  double per_second() const { return static_cast<double>(numerator) / denominator; }
};

// An error unless 1/1000 ≤ rate ≤ kMaxRate.
base::Status check_rate(Rate rate);
// An error unless both sides are in [1, kMaxSide].
base::Status check_size(int width, int height);

// One frame that somebody else owns: rgb is [height][width][3], 8-bit sRGB, full range.
struct FrameView {
  int width = 0;
  int height = 0;
  std::span<const std::uint8_t> rgb;
};

// One frame that owns its pixels, laid out as FrameView's.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  FrameView view() const { return {width, height, rgb}; }
};

// A video in memory: rgb is [count][height][width][3], 8-bit sRGB, full range.
struct Frames {
  int width = 0;
  int height = 0;
  int count = 0;
  Rate rate = {};
  std::vector<std::uint8_t> rgb;

  std::size_t frame_bytes() const { return static_cast<std::size_t>(width) * height * 3; }
  // Precondition: 0 ≤ index < count.
  FrameView frame(int index) const {
    return {width, height, std::span(rgb).subspan(frame_bytes() * index, frame_bytes())};
  }
  std::span<std::uint8_t> pixels(int index) { return std::span(rgb).subspan(frame_bytes() * index, frame_bytes()); }
};

// Black frames of that size, or an error if a bound above is passed.
base::Result<Frames> make_frames(int width, int height, int count, Rate rate);

// SHA-256 over width and height (u32, little-endian) and the pixels.
base::Hash frame_hash(const FrameView& frame);

// The one rule from a tensor's values to pixels: x is clamped to [-1, 1], then (x + 1) · 127.5 is computed in f32, each
// operation rounded on its own, and rounded to the nearest integer, halves to even. The layouts of both sides are the
// same, so a frame of a [T, H, W, 3] tensor gives a frame. The spans have equal sizes. A NaN or infinity is the error
// NON_FINITE, and the contents of pixels are then unspecified.
base::Status pixels_from_values(std::span<const float> values, std::span<std::uint8_t> pixels);
// values is [count, height, width, 3].
base::Result<Frames> frames_from_values(std::span<const float> values, int width, int height, int count, Rate rate);

// The way back: v / 127.5 - 1 in f32. pixels_from_values() of the result gives the same pixels.
void values_from_pixels(std::span<const std::uint8_t> pixels, std::span<float> values);

}  // namespace starling::video
