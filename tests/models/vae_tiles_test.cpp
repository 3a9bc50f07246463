#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "exact/engine.h"
#include "models/wan_vae.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Shape;
using exact::Tensor;
using exact::Type;

VaeConfig small_config() {
  VaeConfig config;
  config.base_dim = 4;
  config.decoder_base_dim = 4;
  config.z_dim = 3;
  config.dim_mult = {1, 2, 2};
  config.num_res_blocks = 1;
  config.temperal_downsample = {true, false};
  config.latents_mean = {0.0F, 0.0F, 0.0F};
  config.latents_std = {1.0F, 1.0F, 1.0F};
  return config;
}

Tensor numbers(const Shape& shape, float seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(seed + 1.7F * static_cast<float>(i));
  return Tensor::from_f32(shape, values);
}

// Runs graphs whose inputs are weights, caches and `in`, and keeps caches from one to the next.
class Decoding {
 public:
  template <typename Build>
  Tensor run(const Tensor& in, const Build& build) {
    Builder b;
    Parameters weights(b, "vae");
    b.output("out", build(weights, b.input("in", Type::kF32, in.shape())));
    const auto graph = b.finish();
    if (!graph.ok()) {
      ADD_FAILURE() << graph.error().message;
      return in;
    }
    std::vector<Tensor> inputs;
    for (const exact::GraphInput& input : graph->inputs()) {
      const bool is_weight = input.name.starts_with("vae/");
      if (is_weight) {
        inputs.push_back(numbers(input.shape, static_cast<float>(input.name.size())));
      } else {
        inputs.push_back(input.name == "in" ? in : caches_.at(input.name));
      }
    }
    const auto outputs = engine_.run(*exact::Plan::make(*graph), inputs);
    if (!outputs.ok()) {
      ADD_FAILURE() << outputs.error().message;
      return in;
    }
    Tensor out;
    for (std::size_t i = 0; i < outputs->size(); ++i) {
      const std::string& name = graph->outputs()[i].name;
      (name == "out" ? out : caches_[name]) = (*outputs)[i];
    }
    return out;
  }

 private:
  exact::Engine engine_ = *exact::Engine::create({"", 2});
  std::map<std::string, Tensor> caches_;
};

// Three latent frames, in parts of one, of 13 × 9 latents.
constexpr std::int64_t kFrames = 3;
constexpr std::int64_t kRows = 13;
constexpr std::int64_t kColumns = 9;

ClipPart part_of(std::int64_t frame) { return {frame == 0, frame + 1 < kFrames}; }

TEST(VaeTiles, GiveTheBitsOfTheWhole) {
  const VaeConfig config = small_config();
  const std::int64_t side = config.spatial_stride();
  std::vector<Tensor> wholes;
  std::vector<Tensor> bases;
  Decoding whole;
  Decoding base;
  for (std::int64_t frame = 0; frame < kFrames; ++frame) {
    const Tensor latents = numbers({1, 1, kRows, kColumns, config.z_dim}, static_cast<float>(frame));
    const ClipPart part = part_of(frame);
    wholes.push_back(whole.run(
        latents, [&](Parameters& weights, Builder::Value in) { return vae_decode(weights, config, in, part); }));
    bases.push_back(base.run(
        latents, [&](Parameters& weights, Builder::Value in) { return vae_decode_base(weights, config, in, part); }));
  }
  const std::vector<VaeTile> tiles = vae_tiles(config, kRows, kColumns, 30);
  ASSERT_EQ(tiles.size(), 6U);
  std::int64_t covered = 0;
  for (const VaeTile& tile : tiles) {
    covered += tile.rows * tile.columns;
    Decoding decoding;
    for (std::int64_t frame = 0; frame < kFrames; ++frame) {
      const auto index = static_cast<std::size_t>(frame);
      const Tensor made = decoding.run(bases[index], [&](Parameters& weights, Builder::Value in) {
        return vae_decode_tile(weights, config, in, part_of(frame), tile);
      });
      const Tensor& all = wholes[index];
      ASSERT_EQ(made.shape(), (Shape{1, all.shape()[1], tile.rows * side, tile.columns * side, 3}));
      std::size_t at = 0;
      std::size_t different = 0;
      for (std::int64_t t = 0; t < all.shape()[1]; ++t) {
        for (std::int64_t y = 0; y < tile.rows * side; ++y) {
          for (std::int64_t x = 0; x < tile.columns * side * 3; ++x) {
            const std::int64_t row = t * kRows * side + tile.row * side + y;
            const std::int64_t from = row * kColumns * side * 3 + tile.column * side * 3 + x;
            different += made.f32()[at++] == all.f32()[static_cast<std::size_t>(from)] ? 0 : 1;
          }
        }
      }
      EXPECT_EQ(different, 0U) << "frame " << frame << ", tile at " << tile.row << ", " << tile.column;
    }
  }
  EXPECT_EQ(covered, kRows * kColumns);
}

TEST(VaeTiles, RefuseWhatHasNoMargin) {
  const VaeConfig config = small_config();
  const auto fails = [](const VaeConfig& used, const VaeTile& tile) {
    Builder b;
    Parameters weights(b, "vae");
    const auto base = b.input("in", Type::kF32, {1, 1, kRows, kColumns, 8});
    b.output("out", vae_decode_tile(weights, used, base, ClipPart::whole(), tile));
    return !b.finish().ok();
  };
  EXPECT_FALSE(fails(config, {0, 7, 0, kColumns}));
  EXPECT_TRUE(fails(config, {1, 6, 0, kColumns})) << "too near to the top";
  EXPECT_TRUE(fails(config, {0, 12, 0, kColumns})) << "too near to the bottom";
  EXPECT_TRUE(fails(config, {7, 7, 0, kColumns})) << "beyond the picture";
  VaeConfig residual = config;
  residual.is_residual = true;
  EXPECT_TRUE(fails(residual, {0, 7, 0, kColumns}));
  EXPECT_EQ(vae_tiles(config, 4, 4, 1).size(), 1U) << "narrower than the margin";
}

}  // namespace
}  // namespace starling::models
