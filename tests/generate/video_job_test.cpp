#include "generate/video_job.h"

#include <csignal>

#include "base/interrupt.h"
#include "exact/kernels.h"
#include "models/packed_weights.h"
#include "models/quantize.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

base::SecretKey test_key() {
  const base::Bytes bytes(32, 9);
  return *base::SecretKey::from_bytes(bytes);
}

class VideoJobTest : public TinyModel {
 protected:
  struct Made {
    proof::Receipt receipt;
    std::vector<std::uint8_t> pixels;
  };

  static exact::Engine engine(const std::string& backend = {}, int threads = 2) {
    exact::EngineOptions options;
    options.backend = backend;
    options.threads = threads;
    auto made = exact::Engine::create(options);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *std::move(made);
  }
  static std::filesystem::path trace_path() { return folder() / "made.trace"; }

  static Made make(const TextToVideo& request, exact::Engine engine = VideoJobTest::engine(),
                   const models::Checkpoint& model = open()) {
    const auto job = VideoJob::prepare(model, request);
    EXPECT_TRUE(job.ok()) << job.error().message;
    auto trace = proof::TraceWriter::create(trace_path());
    EXPECT_TRUE(trace.ok());
    Made made;
    Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
      made.pixels.insert(made.pixels.end(), frame.rgb.begin(), frame.rgb.end());
      return {};
    };
    base::ThreadPool pool(2);
    auto receipt = make_video(*job, engine, &pool, *trace, listener);
    EXPECT_TRUE(receipt.ok()) << receipt.error().message;
    EXPECT_TRUE(trace->commit().ok());
    made.receipt = *std::move(receipt);
    made.receipt.version = "test";
    made.receipt.model_root = *model.root();
    EXPECT_TRUE(proof::sign_receipt(made.receipt, test_key()).ok());
    return made;
  }

  // The same with the model's weights packed beforehand.
  static std::vector<std::uint8_t> make_packed(const TextToVideo& request, exact::Engine engine, bool& less_memory) {
    models::Checkpoint model = open();
    const auto job = VideoJob::prepare(model, request);
    models::PackingOptions options;
    options.least_bytes = 0;
    EXPECT_TRUE(models::use_packed_weights(model, *model.root(), engine, options).ok());
    EXPECT_NE(model.packed(), nullptr);
    const auto packed = VideoJob::prepare(model, request);
    EXPECT_TRUE(job.ok() && packed.ok());
    less_memory = packed->peak_bytes() < job->peak_bytes();
    std::vector<std::uint8_t> pixels;
    Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
      pixels.insert(pixels.end(), frame.rgb.begin(), frame.rgb.end());
      return {};
    };
    EXPECT_TRUE(run_video(*packed, engine, listener).ok());
    return pixels;
  }

  static proof::ReplayResult check(const proof::Receipt& receipt, std::optional<std::size_t> sample, bool all_frames,
                                   std::size_t* frames) {
    const models::Checkpoint model = open();
    const auto request = request_of(receipt);
    EXPECT_TRUE(request.ok());
    const auto job = VideoJob::prepare(model, *request);
    EXPECT_TRUE(job.ok());
    std::optional<proof::TraceReader> trace;
    if (sample) {
      auto opened = proof::TraceReader::open(trace_path(), job->program(), receipt.calls);
      EXPECT_TRUE(opened.ok()) << opened.error().message;
      trace = *std::move(opened);
    }
    CheckOptions options;
    options.sample = sample;
    options.random = [] { return std::uint64_t{4}; };
    options.trace = trace ? &*trace : nullptr;
    options.all_frames = all_frames;
    Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [&](std::size_t index, const video::FrameView&) -> base::Status {
      EXPECT_TRUE(!all_frames || index == *frames);
      ++*frames;
      return {};
    };
    exact::Engine checker = engine();
    auto result = check_video(*job, receipt, checker, nullptr, options, listener);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return *result;
  }
};

// The roots stand here as numbers, so that they are the same wherever this test runs.
TEST_F(VideoJobTest, EveryMachineBackendAndThreadCountGivesTheSameRoots) {
  const models::Checkpoint plain = open();
  exact::Engine quantiser = engine();
  const auto made = models::quantize(plain, *plain.root(), quantiser);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ASSERT_TRUE(models::write_checkpoint(folder() / "w8a8", *made).ok());
  const auto quantised = models::Checkpoint::open(folder() / "w8a8");
  ASSERT_TRUE(quantised.ok()) << quantised.error().message;
  struct Case {
    const models::Checkpoint& model;
    std::string_view program, trace, frames;
  };
  const Case cases[] = {
      {plain, "3928a6b8459ded9a97e2153d887944a1f855568857a8727a39c916602279de8f",
       "2942386e77987dbb0b9076a7b30abd9bcf4adb92ed5c637abd5c2b7bfc9a6952",
       "b4295ef94c1ae744508f2f95a07e8df478dbf57bed572fc24364079755df8e95"},
      {*quantised, "59a3a07b594cc2a7d1ee5a0f8c4b4fac168b968c0b932c5daddfa66be17e39ad",
       "d7bb66096edd99c7c5d6f6945966e1a7d5a0755c144c180452515b71f100d23b",
       "0a7fb8ecd62f839eb63c4a8356edefb3b13769c1a88a5db141df45809c2b283b"},
  };
  for (const Case& one : cases) {
    const auto check = [&](const std::string& backend, int threads) {
      const proof::Receipt receipt = make(small_request(), engine(backend, threads), one.model).receipt;
      EXPECT_EQ(receipt.program_root.hex(), one.program) << backend << " " << threads;
      EXPECT_EQ(receipt.trace_root.hex(), one.trace) << backend << " " << threads;
      EXPECT_EQ(receipt.output_root.hex(), one.frames) << backend << " " << threads;
    };
    for (const exact::Kernels* kernels : exact::available_kernels()) {
      for (const int threads : {1, 2, 7}) check(kernels->name, threads);
    }
    check("cuda-emulated", 2);
  }
}

TEST_F(VideoJobTest, TheDefinitionsGiveTheSameReceipt) {
  TextToVideo request = small_request();
  request.width = 16;
  request.frames = 5;
  request.steps = 1;
  EXPECT_EQ(*proof::receipt_text(make(request, engine("reference", 1)).receipt),
            *proof::receipt_text(make(request).receipt));
}

TEST_F(VideoJobTest, PromptSeedAndGuidanceShow) {
  const auto pixels = [](auto change) {
    TextToVideo request = small_request();
    change(request);
    return make(request).pixels;
  };
  const auto original = pixels([](auto&) {});
  EXPECT_EQ(original.size(), 9U * 16U * 32U * 3U);
  EXPECT_NE(pixels([](auto& r) { r.seed += 1; }), original);
  EXPECT_NE(pixels([](auto& r) { r.seed ^= std::uint64_t{1} << 63U; }), original);
  EXPECT_NE(pixels([](auto& r) { r.shift = 3.0F; }), original);
  EXPECT_NE(pixels([](auto& r) { r.prompt = "the ball rolls"; }), original);
  EXPECT_NE(pixels([](auto& r) { r.negative = "the ball rolls"; }), original);
  EXPECT_NE(pixels([](auto& r) { r.guidance = 6.0F; }), original);
  EXPECT_EQ(pixels([](auto& r) { r.rate = {16, 1}; }), original);
}

// Guided by two equal prompts the flow is u + g · 0: the bits of no guidance at all.
TEST_F(VideoJobTest, GuidanceBetweenEqualPromptsIsNoGuidance) {
  TextToVideo guided = small_request();
  guided.negative = guided.prompt;
  TextToVideo plain = small_request();
  plain.guidance = 1.0F;
  EXPECT_EQ(make(guided).pixels, make(plain).pixels);
}

TEST_F(VideoJobTest, AReceiptIsCheckedInFullAndInPart) {
  const Made made = make(small_request());
  EXPECT_FALSE(proof::check_receipt(made.receipt).has_value());
  std::size_t frames = 0;
  const auto full = check(made.receipt, std::nullopt, true, &frames);
  EXPECT_FALSE(full.difference.has_value()) << full.difference->message;
  EXPECT_EQ(full.checked_calls, made.receipt.calls.size());
  EXPECT_EQ(frames, 9U);
  frames = 0;
  const auto part = check(made.receipt, 1, false, &frames);  // the draw gives call 4, the second step
  EXPECT_FALSE(part.difference.has_value());
  EXPECT_EQ(part.checked_calls, 2U) << "the step, and the contexts, which are not kept";
  EXPECT_EQ(frames, 0U);
  frames = 0;
  const auto shown = check(made.receipt, 1, true, &frames);
  EXPECT_FALSE(shown.difference.has_value());
  EXPECT_EQ(frames, 9U);
  EXPECT_LT(shown.checked_calls, made.receipt.calls.size());
}

TEST_F(VideoJobTest, AVideoDecodedInPartsIsCheckedInPart) {
  TextToVideo request = small_request();
  request.width = 256;
  request.height = 128;
  request.steps = 1;
  const Made made = make(request);
  EXPECT_EQ(made.receipt.frames.size(), 9U);
  EXPECT_EQ(made.receipt.calls.size(), 3U + 1U + 1U + 3U);
  std::size_t frames = 0;
  const auto part = check(made.receipt, 1, true, &frames);  // the draw gives the split
  EXPECT_FALSE(part.difference.has_value()) << part.difference->message;
  EXPECT_EQ(part.checked_calls, 4U) << "the split and the three decodes";
  EXPECT_EQ(frames, 9U);
}

TEST_F(VideoJobTest, WhatARecipientCouldBeToldWronglyIsFound) {
  const proof::Receipt honest = make(small_request()).receipt;
  std::size_t frames = 0;
  const auto message = [&](auto change) {
    proof::Receipt receipt = honest;
    change(receipt);
    const auto result = check(receipt, std::nullopt, false, &frames);
    EXPECT_TRUE(result.difference.has_value());
    return result.difference ? result.difference->message : std::string();
  };
  EXPECT_TRUE(message([](auto& r) { r.program_root.bytes[0] ^= 1; }).starts_with("program:"));
  EXPECT_TRUE(message([](auto& r) { r.parameters.set("prompt", "the ball rolls"); }).starts_with("input"));
  EXPECT_TRUE(message([](auto& r) { r.parameters.set("steps", 3); }).starts_with("program:"));
  EXPECT_TRUE(message([](auto& r) { r.work.elements += 1; }).starts_with("work:"));
  EXPECT_TRUE(message([](auto& r) { r.frames[5].bytes[0] ^= 1; }).starts_with("frame 5:"));
}

TEST_F(VideoJobTest, AnotherTextSharesTheProgram) {
  const models::Checkpoint model = open();
  const auto first = VideoJob::prepare(model, small_request());
  ASSERT_TRUE(first.ok());
  TextToVideo request = small_request();
  request.prompt = "a blue box slides";
  request.seed = 5;
  const auto shared = first->with_other_text(model, request);
  const auto own = VideoJob::prepare(model, request);
  ASSERT_TRUE(shared.ok() && own.ok());
  EXPECT_EQ(&shared->program(), &first->program());
  EXPECT_EQ(shared->input_roots(), own->input_roots());
  EXPECT_NE(shared->input_roots(), first->input_roots());
  EXPECT_EQ(to_json(shared->request()).to_text(), to_json(request).to_text());
  request.prompt = std::string(10'000, 'x');
  EXPECT_FALSE(first->with_other_text(model, request).ok());
  EXPECT_FALSE(check_text(model, request).ok());
}

TEST_F(VideoJobTest, CancellingEndsIt) {
  const models::Checkpoint model = open();
  const auto job = VideoJob::prepare(model, small_request());
  ASSERT_TRUE(job.ok());
  int calls = 0;
  Listener listener;
  listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
  listener.after_call = [&](std::uint32_t) -> base::Status {
    return ++calls == 3 ? base::Status(base::cancelled("stopped")) : base::Status();
  };
  exact::Engine runner = engine();
  const auto status = run_video(*job, runner, listener);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, base::ErrorCode::kCancelled);
  EXPECT_EQ(calls, 3);
}

// The bound must never refuse what would fit, and be of use: tiny decoders take most beside their maps.
TEST_F(VideoJobTest, TheLeastMemoryIsBelowWhatAVideoTakesAndNear) {
  const models::Checkpoint tiny = open();
  models::ModelConfig config = tiny.config();
  const auto check = [&](std::int64_t width, std::int64_t height, std::int64_t frames, float guidance) {
    TextToVideo request = small_request();
    request.width = width;
    request.height = height;
    request.frames = frames;
    request.guidance = guidance;
    request.steps = 1;
    auto built = text_to_video_program(config, request);
    ASSERT_TRUE(built.ok()) << built.error().message;
    const auto prepared = exact::PreparedProgram::make(std::move(built->program));
    ASSERT_TRUE(prepared.ok());
    const std::uint64_t least = least_memory(config, request);
    EXPECT_LE(least, prepared->peak_bytes()) << width << "x" << height << "x" << frames;
    EXPECT_GE(least, prepared->peak_bytes() / 16) << width << "x" << height << "x" << frames;
  };
  for (const bool residual : {true, false}) {
    config.vae.is_residual = residual;
    for (const std::int64_t blocks : {1, 2}) {
      config.vae.num_res_blocks = blocks;
      check(256, 256, 17, 3.0F);
      check(512, 256, 1, 3.0F);
      check(256, 512, 5, 1.0F);
      check(128, 128, 81, 3.0F);
      check(1024, 1024, 33, 1.0F);
    }
  }
  config.transformer.num_layers = 1;
  config.transformer.num_attention_heads *= 16;
  check(512, 512, 17, 3.0F);
}

TEST_F(VideoJobTest, TooLargeVideosAreRefusedBeforeTheyAreBuilt) {
  const models::Checkpoint model = open();
  TextToVideo request = small_request();
  const auto small = VideoJob::prepare(model, request);
  ASSERT_TRUE(small.ok());
  EXPECT_TRUE(VideoJob::prepare(model, request, {small->peak_bytes()}).ok());
  const auto over = VideoJob::prepare(model, request, {small->peak_bytes() - 1});
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, base::ErrorCode::kLimit);
  request.width = 8192;
  request.height = 8192;
  base::catch_interrupts();
  std::raise(SIGINT);
  const auto large = VideoJob::prepare(model, request, {std::uint64_t{512} << 20U, 0, true});
  const auto interrupted = VideoJob::prepare(model, request);  // asked when building begins
  base::clear_interrupt();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, base::ErrorCode::kLimit);
  EXPECT_NE(large.error().message.find("ask for a smaller"), std::string::npos) << large.error().message;
  ASSERT_FALSE(interrupted.ok());
  EXPECT_EQ(interrupted.error().code, base::ErrorCode::kCancelled);
}

TEST_F(VideoJobTest, ARefusalNamesTheNearestThatFit) {
  const models::Checkpoint model = open();
  TextToVideo request = small_request();
  request.width = 256;
  request.height = 128;
  request.frames = 33;
  const auto wanted = VideoJob::prepare(model, request, {.threads = 2});
  ASSERT_TRUE(wanted.ok());
  const std::uint64_t memory = wanted->peak_bytes() * 3 / 4;
  const auto refused = VideoJob::prepare(model, request, {memory, 2, true});
  ASSERT_FALSE(refused.ok());
  const std::string& message = refused.error().message;
  const auto number_after = [&](std::size_t at) { return std::strtoll(message.c_str() + at, nullptr, 10); };
  TextToVideo smaller = request;
  smaller.width = number_after(message.find(": ") + 2);
  smaller.height = smaller.width / 2;
  EXPECT_NE(message.find(std::to_string(smaller.width) + "x" + std::to_string(smaller.height) + " with 33 frames fits"),
            std::string::npos)
      << message;
  EXPECT_LT(smaller.width, request.width);
  EXPECT_GE(smaller.width, request.width / 2) << "near to what was asked for";
  EXPECT_TRUE(VideoJob::prepare(model, smaller, {memory, 2}).ok());
  const std::string same_size = ", and so does 256x128 with ";
  const std::size_t so_does = message.find(same_size);
  ASSERT_NE(so_does, std::string::npos) << message;
  TextToVideo shorter = request;
  shorter.frames = number_after(so_does + same_size.size());
  EXPECT_LT(shorter.frames, request.frames);
  EXPECT_TRUE(VideoJob::prepare(model, shorter, {memory, 2}).ok());
  const auto none = VideoJob::prepare(model, request, {1000, 2, true});
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("ask for a smaller or shorter one"), std::string::npos) << none.error().message;
}

TEST_F(VideoJobTest, PromptsThatDoNotFitAreRefused) {
  const models::Checkpoint model = open();
  TextToVideo request = small_request();
  request.prompt = std::string(10'000, 'x');
  const auto too_long = VideoJob::prepare(model, request);
  ASSERT_FALSE(too_long.ok());
  EXPECT_NE(too_long.error().message.find("shorten"), std::string::npos);
  request.prompt = "a \xff ball";
  EXPECT_FALSE(VideoJob::prepare(model, request).ok());
  request.prompt = "a dragon";
  EXPECT_TRUE(VideoJob::prepare(model, request).ok());
}

TEST_F(VideoJobTest, PackedWeightsGiveTheSameBitsInLessMemory) {
  const Made made = make(small_request());
  for (const exact::Kernels* kernels : exact::available_kernels()) {
    bool less_memory = false;
    EXPECT_EQ(make_packed(small_request(), engine(kernels->name), less_memory), made.pixels) << kernels->name;
    EXPECT_TRUE(less_memory);
  }
}

}  // namespace
}  // namespace starling::generate
