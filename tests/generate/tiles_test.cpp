// Pictures that are worked on in tiles give the bits of those that are not.
#include <array>

#include "exact/program.h"
#include "generate/text_to_video.h"
#include "models/published.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

using exact::Tensor;
using exact::Type;

// 128 × 128 pixels are 16 × 16 latents: four tiles of 64, with groups of two parts.
constexpr Tiling kSmallTiles{0, 0, 0, 64, 2};
constexpr Tiling kNoTiles{0, std::int64_t{1} << 30, 0, 64, 2};

class Tiles : public TinyModel {
 protected:
  static TextToVideo request() {
    TextToVideo request = small_request();
    request.width = 128;
    request.height = 128;
    request.frames = 25;
    request.steps = 1;
    request.guidance = 1.0F;
    return request;
  }

  static models::ModelConfig plain(models::ModelConfig config) {
    config.vae.is_residual = false;
    config.vae.patch_size = 1;
    config.vae.in_channels = 3;
    config.vae.out_channels = 3;
    config.vae.dim_mult = {1, 2, 2, 2};
    config.vae.temperal_downsample = {false, true, true};
    return config;
  }

  // Numbers that depend on the name, so that two programs get the same.
  static std::vector<Tensor> numbers(const std::vector<exact::GraphInput>& wanted) {
    std::vector<Tensor> made;
    for (const exact::GraphInput& input : wanted) {
      std::uint32_t state = 1;
      for (const char c : input.name) state = state * 31U + static_cast<unsigned char>(c);
      const auto next = [&] { return state = state * 1664525U + 1013904223U; };
      made.emplace_back(input.type, input.shape);
      if (input.type == Type::kF32) {
        for (float& value : made.back().f32()) value = static_cast<float>(next() >> 8U) * 0x1p-24F - 0.5F;
      } else if (input.type == Type::kU8) {
        for (std::uint8_t& value : made.back().mutable_bytes()) value = static_cast<std::uint8_t>(next() >> 24U);
      }
    }
    return made;
  }

  struct Made {
    std::vector<float> latents;  // of given frames
    std::vector<float> frames;
    std::size_t encodes = 0, tiles = 0;
    std::vector<std::int64_t> first_frames;
  };

  static Made make(const models::ModelConfig& config, const TextToVideo& request, const Tiling& tiling) {
    Made made;
    auto built = text_to_video_program(config, request, tiling);
    EXPECT_TRUE(built.ok()) << built.error().message;
    const CallLayout calls = built->calls;
    made.encodes = calls.encodes;
    made.tiles = calls.tile_parts;
    const auto prepared = exact::PreparedProgram::make(std::move(built->program));
    EXPECT_TRUE(prepared.ok());
    exact::Engine engine = *exact::Engine::create({"", 2});
    exact::RunObserver observer;
    observer.after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs) -> base::Status {
      const CallRole& role = calls.roles[call];
      if (role.kind != CallKind::kDecode && role.kind != CallKind::kGiven) return {};
      std::size_t index = 0;
      const auto& named = prepared->program().graphs()[prepared->program().calls()[call].graph].outputs();
      while (role.kind == CallKind::kDecode && named[index].name != "frames") ++index;
      std::vector<float>& all = role.kind == CallKind::kDecode ? made.frames : made.latents;
      all.insert(all.end(), outputs[index].f32().begin(), outputs[index].f32().end());
      if (role.kind == CallKind::kDecode) made.first_frames.push_back(role.first_frame);
      return {};
    };
    const auto outputs =
        prepared->run(engine, numbers(prepared->program().inputs()), numbers(prepared->program().weights()), observer);
    EXPECT_TRUE(outputs.ok()) << outputs.error().message;
    return made;
  }

  static void expect_same(const models::ModelConfig& config, const TextToVideo& request) {
    const Made whole = make(config, request, kNoTiles);
    const Made tiled = make(config, request, kSmallTiles);
    EXPECT_EQ(whole.tiles, 0U);
    EXPECT_EQ(tiled.tiles % 5, 0U) << "a base and four tiles of each part";
    EXPECT_GT(tiled.tiles, 0U);
    EXPECT_EQ(tiled.encodes, whole.encodes * 5) << "four tiles of each part, and what needs the whole";
    EXPECT_EQ(tiled.first_frames, whole.first_frames);
    EXPECT_FALSE(whole.frames.empty());
    EXPECT_EQ(whole.latents, tiled.latents);
    EXPECT_EQ(whole.frames, tiled.frames);
  }

  static TextToVideo edit() {
    TextToVideo edited = request();
    edited.start = edited.frames;
    edited.given = base::Hash{};
    edited.strength = 1.0F;
    return edited;
  }
};

TEST_F(Tiles, GiveTheBitsOfTheWholeInTheResidualForm) { expect_same(open().config(), edit()); }

TEST_F(Tiles, GiveTheBitsOfTheWholeInThePlainForm) { expect_same(plain(open().config()), edit()); }

TEST_F(Tiles, GoOnFromWindowToWindow) {
  TextToVideo lasting = request();
  lasting.window = 4;
  lasting.start = 5;
  lasting.given = base::Hash{};
  expect_same(open().config(), lasting);
  lasting = request();
  lasting.frames = 24;
  lasting.loop = true;
  expect_same(open().config(), lasting);
}

// Whatever the duration: memory, but for a few bytes for each part, and what waits in the file.
TEST_F(Tiles, TakeNoMoreForLongerVideos) {
  const auto planned = [](std::int64_t frames) {
    TextToVideo lasting = request();
    lasting.frames = frames;
    lasting.window = 4;
    lasting.start = 5;
    lasting.given = base::Hash{};
    auto built = text_to_video_program(open().config(), lasting, kSmallTiles);
    EXPECT_TRUE(built.ok()) << built.error().message;
    const auto prepared = exact::PreparedProgram::make(std::move(built->program));
    EXPECT_TRUE(prepared.ok());
    return std::pair(prepared->peak_bytes(1), prepared->file_bytes());
  };
  EXPECT_EQ(planned(161), planned(481));
}

// Five seconds of 832 × 480 of Wan's autoencoder, all weights in f32. The transformer is one small block, so that the
// worst moment is the decoder's.
TEST_F(Tiles, LargeVideosAreDecodedInTwoGibibytes) {
  models::ModelConfig config = models::wan_2_1_t2v_1_3b_config();
  config.transformer.num_layers = 1;
  config.transformer.num_attention_heads = 1;
  config.transformer.ffn_dim = 128;
  TextToVideo large;
  large.width = 832;
  large.height = 480;
  large.frames = 81;
  large.steps = 1;
  large.guidance = 1.0F;
  auto built = text_to_video_program(config, large);
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_GT(built->calls.tile_parts, 100U);
  const auto prepared = exact::PreparedProgram::make(std::move(built->program));
  ASSERT_TRUE(prepared.ok());
  std::size_t weights = 0;
  for (const exact::GraphInput& weight : prepared->program().weights()) {
    if (weight.name.starts_with("vae")) weights += sizeof(float) * static_cast<std::size_t>(weight.shape.elements());
  }
  const std::size_t peak = prepared->peak_bytes(2) + weights;
  EXPECT_LE(peak, std::size_t{2} << 30U);
}

}  // namespace
}  // namespace starling::generate
