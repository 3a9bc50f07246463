#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

// Of Wan 2.2's form, with pixels two by two.
VaeConfig residual_config() {
  VaeConfig config = small_config();
  config.is_residual = true;
  config.patch_size = 2;
  config.in_channels = 12;
  config.out_channels = 12;
  return config;
}

Tensor numbers(const Shape& shape, float seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(seed + 1.7F * static_cast<float>(i));
  return Tensor::from_f32(shape, values);
}

// Runs graphs whose inputs are weights, caches and `in`, and keeps caches from one to the next.
class Coding {
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
constexpr std::int64_t kMost = 30;

ClipPart part_of(std::int64_t frame) { return {frame == 0, frame + 1 < kFrames}; }

using Build = std::function<Builder::Value(Parameters& weights, Builder::Value in)>;

// How many numbers of a tile of `side` rows and columns to a latent are not those of the whole.
std::size_t differences(const Tensor& made, const Tensor& whole, const VaeTile& tile, std::int64_t side) {
  const Shape& all = whole.shape();
  EXPECT_EQ(made.shape(), (Shape{1, all[1], tile.rows * side, tile.columns * side, all[4]}));
  std::size_t at = 0;
  std::size_t different = 0;
  for (std::int64_t t = 0; t < all[1]; ++t) {
    for (std::int64_t y = 0; y < tile.rows * side; ++y) {
      for (std::int64_t x = 0; x < tile.columns * side * all[4]; ++x) {
        const std::int64_t row = t * all[2] + tile.row * side + y;
        const std::int64_t from = (row * all[3] + tile.column * side) * all[4] + x;
        different += made.f32()[at++] == whole.f32()[static_cast<std::size_t>(from)] ? 0 : 1;
      }
    }
  }
  return different;
}

// Copies a tile to its place.
void place(const Tensor& made, Tensor& whole, const VaeTile& tile) {
  const Shape& all = whole.shape();
  std::size_t at = 0;
  for (std::int64_t t = 0; t < all[1]; ++t) {
    for (std::int64_t y = 0; y < tile.rows; ++y) {
      for (std::int64_t x = 0; x < tile.columns * all[4]; ++x) {
        const std::int64_t to = ((t * all[2] + tile.row + y) * all[3] + tile.column) * all[4] + x;
        whole.f32()[static_cast<std::size_t>(to)] = made.f32()[at++];
      }
    }
  }
}

std::int64_t covered(const std::vector<VaeTile>& tiles) {
  std::int64_t sum = 0;
  for (const VaeTile& tile : tiles) sum += tile.rows * tile.columns;
  return sum;
}

void expect_decoded_as_whole(const VaeConfig& config) {
  std::vector<Tensor> wholes;
  std::vector<Tensor> bases;
  Coding whole;
  Coding base;
  for (std::int64_t frame = 0; frame < kFrames; ++frame) {
    const Tensor latents = numbers({1, 1, kRows, kColumns, config.z_dim}, static_cast<float>(frame));
    const ClipPart part = part_of(frame);
    wholes.push_back(whole.run(
        latents, [&](Parameters& weights, Builder::Value in) { return vae_decode(weights, config, in, part); }));
    bases.push_back(base.run(
        latents, [&](Parameters& weights, Builder::Value in) { return vae_decode_base(weights, config, in, part); }));
  }
  const std::vector<VaeTile> tiles = vae_tiles(config, kRows, kColumns, kMost);
  ASSERT_EQ(tiles.size(), 6U);
  EXPECT_EQ(covered(tiles), kRows * kColumns);
  for (const VaeTile& tile : tiles) {
    Coding coding;
    for (std::int64_t frame = 0; frame < kFrames; ++frame) {
      const auto index = static_cast<std::size_t>(frame);
      const Tensor made = coding.run(bases[index], [&](Parameters& weights, Builder::Value in) {
        return vae_decode_tile(weights, config, in, part_of(frame), tile);
      });
      EXPECT_EQ(differences(made, wholes[index], tile, config.spatial_stride()), 0U)
          << "frame " << frame << ", tile at " << tile.row << ", " << tile.column;
    }
  }
}

TEST(VaeTiles, DecodeToTheBitsOfTheWhole) { expect_decoded_as_whole(small_config()); }
TEST(VaeTiles, DecodeToTheBitsOfTheWholeInTheResidualForm) { expect_decoded_as_whole(residual_config()); }

void expect_encoded_as_whole(const VaeConfig& config) {
  const std::int64_t side = config.spatial_stride();
  const std::vector<VaeTile> tiles = vae_tiles(config, kRows, kColumns, kMost);
  ASSERT_EQ(tiles.size(), 6U);
  Coding whole;
  Coding top;
  std::vector<Coding> codings(tiles.size());
  for (std::int64_t frame = 0; frame < kFrames; ++frame) {
    const std::int64_t count = frame == 0 ? 1 : config.temporal_stride();
    const Tensor video = numbers({1, count, kRows * side, kColumns * side, 3}, static_cast<float>(frame));
    const ClipPart part = part_of(frame);
    const Tensor moments =
        whole.run(video, [&](Parameters& weights, Builder::Value in) { return vae_encode(weights, config, in, part); });
    Tensor coarse;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      const Tensor made = codings[i].run(video, [&](Parameters& weights, Builder::Value in) {
        return vae_encode_tile(weights, config, in, part, tiles[i]);
      });
      ASSERT_EQ(made.shape(), (Shape{1, 1, tiles[i].rows, tiles[i].columns, made.shape()[4]}));
      if (coarse.empty()) coarse = Tensor(Type::kF32, {1, 1, kRows, kColumns, made.shape()[4]});
      place(made, coarse, tiles[i]);
    }
    const Tensor made = top.run(
        coarse, [&](Parameters& weights, Builder::Value in) { return vae_encode_top(weights, config, in, part); });
    EXPECT_EQ(differences(made, moments, {0, kRows, 0, kColumns}, 1), 0U) << "frame " << frame;
  }
}

TEST(VaeTiles, EncodeToTheBitsOfTheWhole) { expect_encoded_as_whole(small_config()); }
TEST(VaeTiles, EncodeToTheBitsOfTheWholeInTheResidualForm) { expect_encoded_as_whole(residual_config()); }

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
  EXPECT_EQ(vae_tiles(config, 4, 4, 1).size(), 1U) << "narrower than the margin";
}

}  // namespace
}  // namespace starling::models
