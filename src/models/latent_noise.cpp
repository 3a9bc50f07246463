#include "models/latent_noise.h"

#include <algorithm>
#include <array>
#include <numbers>
#include <vector>

#include "models/layers.h"

namespace starling::models {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

namespace {

constexpr std::int64_t kCodedChannels = 12;
constexpr std::array<int, 3> kAxes = {2, 3, 1};  // rows, columns, frames

// The means that depend on the place along one axis, in a shape that broadcasts to the noise.
Value means_along(Builder& b, const Shape& shape, std::size_t which, float amplitude) {
  const int axis = kAxes[which];
  const std::int64_t channels = shape[4];
  std::vector<float> frequencies(static_cast<std::size_t>(channels), 0.0F);
  std::vector<float> amplitudes(static_cast<std::size_t>(channels), 0.0F);
  for (auto channel = static_cast<std::int64_t>(which); channel < std::min(channels, kCodedChannels); channel += 3) {
    const std::int64_t half_waves = 1 + channel / 3;
    const double cycles = static_cast<double>(half_waves) / static_cast<double>(shape[axis]);
    frequencies[static_cast<std::size_t>(channel)] = static_cast<float>(std::numbers::pi * cycles);
    amplitudes[static_cast<std::size_t>(channel)] = amplitude;
  }
  Shape line{1, 1, 1, 1, channels};
  line.set(axis, shape[axis]);
  const Value place = b.add(b.iota(line, axis), 0.5F);
  const Value wave = b.cos(b.mul(place, b.broadcast_last(constant(b, frequencies), 5)));
  return b.mul(wave, b.broadcast_last(constant(b, amplitudes), 5));
}

}  // namespace

Value latent_noise(Builder& b, Value seed, std::uint32_t stream, const Shape& shape, float amplitude) {
  const Builder::Scope scope(b, "latent_noise");
  Value noise = b.normal(seed, stream, shape);
  if (amplitude == 0.0F) return noise;
  for (std::size_t which = 0; which < kAxes.size(); ++which) {
    noise = b.add(noise, means_along(b, shape, which, amplitude));
  }
  return noise;
}

}  // namespace starling::models
