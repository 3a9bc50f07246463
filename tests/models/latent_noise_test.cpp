#include "models/latent_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "exact/engine.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Shape;
using exact::Tensor;

// The difference of coded and plain noise from the same seed.
std::vector<double> means(const Shape& shape, float amplitude) {
  Builder b;
  const auto seed = b.input("seed", exact::Type::kI32, {2});
  b.output("coded", latent_noise(b, seed, 0, shape, amplitude));
  b.output("plain", latent_noise(b, seed, 0, shape, 0.0F));
  b.output("normal", b.normal(seed, 0, shape));
  auto engine = exact::Engine::create({"", 1});
  auto plan = exact::Plan::make(*b.finish());
  const std::int32_t words[] = {7, 0};
  const Tensor inputs[] = {Tensor::from_i32({2}, words)};
  const auto outputs = engine->run(*plan, inputs);
  EXPECT_TRUE(outputs.ok());
  std::vector<double> difference;
  for (std::size_t i = 0; i < (*outputs)[0].f32().size(); ++i) {
    EXPECT_EQ((*outputs)[1].f32()[i], (*outputs)[2].f32()[i]);
    difference.push_back(static_cast<double>((*outputs)[0].f32()[i]) - static_cast<double>((*outputs)[1].f32()[i]));
  }
  return difference;
}

TEST(LatentNoise, HasTheMeansItSays) {
  const Shape shape{2, 5, 4, 6, 16};
  const std::vector<double> found = means(shape, 0.75F);
  std::size_t at = 0;
  for (int clip = 0; clip < 2; ++clip) {
    for (int frame = 0; frame < 5; ++frame) {
      for (int row = 0; row < 4; ++row) {
        for (int column = 0; column < 6; ++column) {
          for (int channel = 0; channel < 16; ++channel) {
            const int place[] = {row, column, frame};
            const int size[] = {4, 6, 5};
            const int axis = channel % 3;
            const double phase = std::numbers::pi * (1 + channel / 3) * (place[axis] + 0.5) / size[axis];
            const double expected = channel < 12 ? 0.75 * std::cos(phase) : 0.0;
            ASSERT_NEAR(found[at], expected, 2e-6) << frame << ' ' << row << ' ' << column << ' ' << channel;
            ++at;
          }
        }
      }
    }
  }
}

TEST(LatentNoise, WorksForFewChannels) {
  for (const double mean : means({1, 1, 2, 2, 2}, 1.0F)) EXPECT_TRUE(std::isfinite(mean));
}

}  // namespace
}  // namespace starling::models
