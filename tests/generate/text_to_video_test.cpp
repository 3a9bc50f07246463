#include "generate/text_to_video.h"

#include <cmath>

#include "generate/token_bound.h"
#include "generate/video_job.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

using TextToVideoTest = TinyModel;

base::Hash program_root(const models::ModelConfig& config, const TextToVideo& request) {
  const auto built = text_to_video_program(config, request);
  EXPECT_TRUE(built.ok()) << built.error().message;
  return built->program.root();
}

TEST_F(TextToVideoTest, TheRequestDecidesTheProgramAndPromptAndSeedItsInputs) {
  const models::ModelConfig config = open().config();
  const TextToVideo request = small_request();
  const base::Hash root = program_root(config, request);
  TextToVideo other = request;
  other.prompt = "the ball rolls";
  other.seed = 4;
  EXPECT_EQ(program_root(config, other), root);
  const models::Checkpoint model = open();
  const auto first = VideoJob::prepare(model, request);
  const auto second = VideoJob::prepare(model, other);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->input_roots().at("tokens"), second->input_roots().at("tokens"));
  EXPECT_NE(first->input_roots().at("seed"), second->input_roots().at("seed"));

  const auto changed = [&](auto change) {
    TextToVideo next = request;
    change(next);
    return program_root(config, next);
  };
  EXPECT_NE(changed([](auto& r) { r.width = 48; }), root);
  EXPECT_NE(changed([](auto& r) { r.height = 32; }), root);
  EXPECT_NE(changed([](auto& r) { r.frames = 13; }), root);
  EXPECT_NE(changed([](auto& r) { r.steps = 3; }), root);
  EXPECT_NE(changed([](auto& r) { r.guidance = std::nextafterf(r.guidance, 9.0F); }), root);
  EXPECT_NE(changed([](auto& r) { r.guidance = 1.0F; }), root);
  EXPECT_NE(changed([](auto& r) { r.shift = 1.0F; }), root);
}

// A model shaped as Wan 2.1, as wide where pictures are finest.
models::ModelConfig as_wan_2_1(models::ModelConfig config) {
  config.vae.is_residual = false;
  config.vae.patch_size = 1;
  config.vae.in_channels = 3;
  config.vae.out_channels = 3;
  config.vae.base_dim = 96;
  config.vae.decoder_base_dim = 96;
  config.vae.dim_mult = {1, 1, 1, 1};
  config.vae.temperal_downsample = {false, true, true};
  return config;
}

TEST_F(TextToVideoTest, LargePicturesAreDecodedByTiles) {
  const models::ModelConfig config = as_wan_2_1(open().config());
  TextToVideo request = small_request();
  request.width = 256;
  request.height = 256;
  request.frames = 9;
  EXPECT_EQ(decode_tiles(config.vae, request).size(), 1U);
  const auto whole = text_to_video_program(config, request);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(whole->calls.tile_parts, 0U);
  EXPECT_EQ(whole->calls.decodes, 3U);
  request.width = 320;
  ASSERT_EQ(decode_tiles(config.vae, request).size(), 4U);
  const auto built = text_to_video_program(config, request);
  ASSERT_TRUE(built.ok()) << built.error().message;
  const CallLayout& calls = built->calls;
  EXPECT_EQ(calls.decodes, 3U);
  EXPECT_EQ(calls.tile_parts, 3U * (1 + 4)) << "the base and four tiles of three parts";
  EXPECT_EQ(calls.describe(calls.first_decode - 1), "decode tiles, part 15 of 15");
  ASSERT_EQ(built->program.outputs().size(), 3U);
  std::int64_t frames = 0;
  for (const exact::ProgramOutput& output : built->program.outputs()) {
    EXPECT_TRUE(calls.is_decode(output.call));
    EXPECT_EQ(calls.roles[output.call].first_frame, frames);
    const exact::Graph& graph = built->program.graphs()[built->program.calls()[output.call].graph];
    const exact::Shape& shape = graph.shape(graph.outputs()[output.output].value);
    EXPECT_EQ(shape, (exact::Shape{1, shape[1], 256, 320, 3}));
    frames += shape[1];
  }
  EXPECT_EQ(frames, 9);
}

TEST_F(TextToVideoTest, CallsAreLaidOutAsTold) {
  const auto built = text_to_video_program(open().config(), small_request());
  ASSERT_TRUE(built.ok());
  const CallLayout& calls = built->calls;
  EXPECT_EQ(built->program.calls().size(), 3U + 2U + 1U + 1U);
  EXPECT_EQ(calls.steps, 2U);
  EXPECT_EQ(calls.decodes, 1U);
  EXPECT_EQ(calls.describe(calls.first_step + 1), "step 2 of 2");
  EXPECT_EQ(calls.describe(calls.first_decode), "decode part 1 of 1");
  EXPECT_EQ(built->program.calls()[calls.first_step].graph, built->program.calls()[calls.first_step + 1].graph);
  EXPECT_TRUE(is_kept(calls, calls.first_step));
  EXPECT_FALSE(is_kept(calls, calls.first_decode));
}

TEST_F(TextToVideoTest, DecodingNeedsNoMoreMemoryForLongerVideos) {
  const models::ModelConfig config = open().config();
  TextToVideo request = small_request();
  request.width = 256;
  request.height = 128;  // one latent frame makes kDecodedPixels
  const auto brief = text_to_video_program(config, request);
  request.frames = 81;
  const auto lasting = text_to_video_program(config, request);
  ASSERT_TRUE(brief.ok() && lasting.ok());
  EXPECT_EQ(brief->calls.decodes, 3U);
  EXPECT_EQ(lasting->calls.decodes, 21U);
  for (const std::uint32_t part : {0U, 1U}) {
    const auto graph = [part](const TextToVideoProgram& built) {
      return built.program.graphs()[built.program.calls()[built.calls.first_decode + part].graph].root();
    };
    EXPECT_EQ(graph(*brief), graph(*lasting)) << part;
  }
}

TEST_F(TextToVideoTest, SizesThatDoNotWorkNameTheNearest) {
  const models::ModelConfig config = open().config();
  const auto message = [&](auto change) {
    TextToVideo request = small_request();
    change(request);
    const auto status = check_request(config, request);
    EXPECT_FALSE(status.ok());
    return status.ok() ? std::string() : status.error().message;
  };
  EXPECT_EQ(size_stride(config), 16);
  EXPECT_EQ(frame_stride(config), 4);
  EXPECT_NE(message([](auto& r) { r.width = 70; }).find("64 and 80"), std::string::npos);
  EXPECT_NE(message([](auto& r) { r.height = 3; }).find("is 16"), std::string::npos);
  EXPECT_NE(message([](auto& r) { r.width = 100'000; }).find("8192"), std::string::npos);
  EXPECT_NE(message([](auto& r) { r.frames = 16; }).find("13 and 17"), std::string::npos);
  EXPECT_NE(message([](auto& r) { r.frames = 0; }).find("nearest are 1"), std::string::npos);
  message([](auto& r) { r.steps = 0; });
  message([](auto& r) { r.guidance = -1.0F; });
  message([](auto& r) { r.guidance = NAN; });
  message([](auto& r) { r.shift = 0.0F; });
  message([](auto& r) { r.frames = 4097; });  // more latent frames than positions
  EXPECT_EQ(frames_for_seconds(config, 2.0, {8, 1}), 17);
  EXPECT_EQ(frames_for_seconds(config, 0.0, {8, 1}), 1);
  EXPECT_EQ(frames_for_seconds(config, 1.0, {30, 1}), 29);
  EXPECT_EQ(frames_for_seconds(config, 60.0, {8, 1}), 481);
  EXPECT_EQ(*frames_lasting(config, 2.0, {8, 1}), 17);
  EXPECT_EQ(*frames_lasting(config, 2.125, {8, 1}), 17);
  EXPECT_EQ(*frames_lasting(config, 0.0, {8, 1}), 1);
  const auto between = frames_lasting(config, 1.9, {8, 1});
  ASSERT_FALSE(between.ok());
  EXPECT_NE(between.error().message.find("1.5 s (13 frames) and 2 s (17 frames)"), std::string::npos)
      << between.error().message;
}

// Sums of integers are exact up to so many tokens: 16 by 16 pixels of a latent frame are one here.
TEST_F(TextToVideoTest, AModelOfIntegersSaysHowMuchItTakes) {
  models::ModelConfig config = open().config();
  TextToVideo request = small_request();
  request.width = 1024;
  request.height = 1024;
  request.frames = 69;  // 18 latent frames of 4,096 tokens
  ASSERT_TRUE(check_request(config, request).ok());
  ASSERT_TRUE(check_tokens(config, request).ok()) << "it computes in f32";
  config.transformer.quantisation.emplace();
  const auto refused = check_tokens(config, request);
  ASSERT_FALSE(refused.ok());
  const std::string& message = refused.error().message;
  EXPECT_NE(message.find("at most 65793 tokens"), std::string::npos) << message;
  EXPECT_NE(message.find("needs 73728"), std::string::npos) << message;
  EXPECT_NE(message.find("ask for 61 frames at a time, or 960x960"), std::string::npos) << message;
  EXPECT_FALSE(text_to_video_program(config, request).ok());
  TextToVideo windows = request;
  windows.window = 5;
  EXPECT_TRUE(check_tokens(config, windows).ok()) << "only a window counts";
  TextToVideo shorter = request;
  shorter.frames = 61;
  EXPECT_TRUE(check_tokens(config, shorter).ok());
  shorter.frames = 65;
  EXPECT_FALSE(check_tokens(config, shorter).ok());
  request.width = request.height = 960;
  EXPECT_TRUE(check_tokens(config, request).ok());
}

TEST(FrameRate, ReadsWholeNumbersAndFractions) {
  EXPECT_EQ(FrameRate::from_text("8")->text(), "8");
  EXPECT_EQ(FrameRate::from_text("60000/2002")->text(), "30000/1001");
  EXPECT_EQ(FrameRate::from_text("16/2")->text(), "8");
  for (const char* text : {"", "0", "-8", "8.5", "8/", "/8", "8/0", "1000", "1/1000", "x", "8 "}) {
    EXPECT_FALSE(FrameRate::from_text(text).ok()) << text;
  }
}

TEST(Request, IsWrittenDownOneWay) {
  TextToVideo request;
  request.prompt = "a \"红\" ball\n";
  request.negative = "dull";
  request.guidance = 3.1F;
  request.rate = {30000, 1001};
  request.seed = 18446744073709551615U;
  const base::Json json = to_json(request);
  const auto read = text_to_video_from_json(json);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(to_json(*read).to_text(), json.to_text());
  EXPECT_EQ(read->guidance, 3.1F);
  EXPECT_EQ(read->seed, request.seed);
  const auto refused = [&](const char* key, base::Json value) {
    base::Json changed = json;
    changed.set(key, std::move(value));
    return !text_to_video_from_json(changed).ok();
  };
  EXPECT_TRUE(refused("guidance", "3.10"));
  EXPECT_TRUE(refused("guidance", "nan"));
  EXPECT_TRUE(refused("guidance", 3));
  EXPECT_TRUE(refused("shift", "1e400"));
  EXPECT_TRUE(refused("rate", "60000/2002"));
  EXPECT_TRUE(refused("steps", 0));
  EXPECT_TRUE(refused("width", -16));
  EXPECT_TRUE(refused("another", 1));
}

}  // namespace
}  // namespace starling::generate
