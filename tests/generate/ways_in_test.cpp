// Videos that go on from given frames, and those that are made in windows.
#include <sys/wait.h>

#include <csignal>

#include "base/file.h"
#include "exact/kernels.h"
#include "generate/video_job.h"
#include "models/wan_vae.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

struct Case {
  std::string name;
  TextToVideo request;
  GivenFrames given;
};

class WaysIn : public TinyModel {
 protected:
  static video::Frames clip(int count, unsigned shade) {
    auto frames = video::make_frames(32, 16, count, {8, 1});
    EXPECT_TRUE(frames.ok());
    for (std::size_t i = 0; i < frames->rgb.size(); ++i) {
      frames->rgb[i] = static_cast<std::uint8_t>((i * 7 + i / 1536 * 31 + shade) % 251);
    }
    return *std::move(frames);
  }

  static Case way(const std::string& name, std::int64_t frames, const video::Frames& start, const video::Frames& end,
                  const std::function<void(TextToVideo&)>& change = nullptr) {
    Case made{name, small_request(), nullptr};
    made.request.frames = frames;
    if (change) change(made.request);
    if (start.count + end.count > 0) made.given = give(made.request, start, end);
    return made;
  }

  static std::vector<Case> cases() {
    return {
        way("image", 9, clip(1, 1), {}),
        way("forward", 17, clip(9, 1), {}, [](auto& r) { r.context = 1; }),
        way("backward", 13, {}, clip(9, 2)),
        way("joined", 17, clip(5, 1), clip(5, 2), [](auto& r) { r.context = 1; }),
        way("edit", 1, clip(5, 1), {}, [](auto& r) { r.strength = 0.5F; }),
        way("windows", 21, {}, {}, [](auto& r) { r.window = 3; }),
        way("loop", 12, {}, {},
            [](auto& r) {
              r.loop = true;
              r.window = 3;
              r.context = 1;
            }),
        way("edit in windows", 1, clip(13, 1), {},
            [](auto& r) {
              r.strength = 1.0F;
              r.window = 3;
            }),
    };
  }

  struct Made {
    proof::Receipt receipt;
    std::vector<std::uint8_t> pixels;
  };
  static std::filesystem::path file(const char* name) { return folder() / name; }

  static exact::Engine engine(const std::string& backend = {}, int threads = 2) {
    exact::EngineOptions options;
    options.backend = backend;
    options.threads = threads;
    auto made = exact::Engine::create(options);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *std::move(made);
  }

  static VideoJob job(const Case& way) {
    auto made = VideoJob::prepare(open(), way.request, {}, way.given);
    EXPECT_TRUE(made.ok()) << way.name << ": " << made.error().message;
    return *std::move(made);
  }

  static Made make(const Case& way, exact::Engine engine = WaysIn::engine()) {
    const VideoJob ready = job(way);
    auto trace = proof::TraceWriter::create(file("way.trace"));
    Made made;
    Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    std::size_t next = 0;
    listener.frame = [&](std::size_t index, const video::FrameView& frame) -> base::Status {
      EXPECT_EQ(index, next++) << way.name;
      made.pixels.insert(made.pixels.end(), frame.rgb.begin(), frame.rgb.end());
      return {};
    };
    auto receipt = make_video(ready, engine, nullptr, *trace, listener);
    EXPECT_TRUE(receipt.ok()) << way.name << ": " << receipt.error().message;
    EXPECT_TRUE(trace->commit().ok());
    EXPECT_EQ(receipt->frames.size(), static_cast<std::size_t>(way.request.frames)) << way.name;
    made.receipt = *std::move(receipt);
    made.receipt.version = "test";
    const base::Bytes secret(32, 9);
    EXPECT_TRUE(proof::sign_receipt(made.receipt, *base::SecretKey::from_bytes(secret)).ok());
    return made;
  }

  static std::optional<proof::Difference> check(const Case& way, const proof::Receipt& receipt,
                                                std::optional<std::size_t> sample = std::nullopt) {
    const VideoJob ready = job(way);
    std::optional<proof::TraceReader> trace;
    CheckOptions options;
    if (sample) {
      auto opened = proof::TraceReader::open(file("way.trace"), ready.program(), receipt.calls);
      EXPECT_TRUE(opened.ok());
      trace = *std::move(opened);
      options.sample = sample;
      options.trace = &*trace;
    }
    std::uint64_t draw = 0;
    options.random = [&] { return draw += 3; };
    Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
    exact::Engine checker = engine();
    auto result = check_video(ready, receipt, checker, nullptr, options, listener);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result->difference;
  }
};

TEST_F(WaysIn, EveryBackendAndThreadCountGivesTheSameReceipt) {
  for (const Case& way : cases()) {
    const std::string text = *proof::receipt_text(make(way).receipt);
    int threads = 1;
    for (const exact::Kernels* kernels : exact::available_kernels()) {
      EXPECT_EQ(*proof::receipt_text(make(way, engine(kernels->name, threads)).receipt), text)
          << way.name << " " << kernels->name << " " << threads;
      threads = threads % 3 + 1;
    }
  }
}

TEST_F(WaysIn, ReceiptsAreCheckedInFullAndInPart) {
  for (const Case& way : cases()) {
    const Made made = make(way);
    const auto request = request_of(made.receipt);
    ASSERT_TRUE(request.ok()) << way.name << ": " << request.error().message;
    EXPECT_EQ(to_json(*request).to_text(), to_json(way.request).to_text());
    const auto full = check(way, made.receipt);
    EXPECT_FALSE(full.has_value()) << way.name << ": " << full->message;
    const auto part = check(way, made.receipt, 3);
    EXPECT_FALSE(part.has_value()) << way.name << ": " << part->message;
    proof::Receipt wrong = made.receipt;
    wrong.calls.back().bytes[3] ^= 1;
    EXPECT_TRUE(check(way, wrong).has_value()) << way.name;
  }
}

// What is given is in the video as the autoencoder renders it, whatever is made beside it.
TEST_F(WaysIn, GivenFramesAreRenderedAndNothingElse) {
  const std::size_t frame = 16U * 32 * 3;
  // An edit of strength 0 is the clip, encoded and decoded.
  const Case plain = way("plain", 1, clip(9, 1), {}, [](auto& r) { r.strength = 0.0F; });
  const std::vector<std::uint8_t> rendered = make(plain).pixels;
  ASSERT_EQ(rendered.size(), 9 * frame);
  const auto begins_with = [&](const Case& way) {
    const auto pixels = make(way).pixels;
    return std::equal(rendered.begin(), rendered.end(), pixels.begin());
  };
  EXPECT_TRUE(begins_with(way("all of it is context", 13, clip(9, 1), {}, [](auto& r) { r.context = 3; })));
  EXPECT_TRUE(begins_with(way("some of it", 13, clip(9, 1), {}, [](auto& r) { r.context = 1; })));
  EXPECT_TRUE(begins_with(way("windows", 25, clip(9, 1), {}, [](auto& r) { r.window = 3; })));
  EXPECT_FALSE(begins_with(way("another clip", 13, clip(9, 2), {})));
  const auto image = make(way("image", 9, clip(1, 1), {})).pixels;
  EXPECT_TRUE(std::equal(rendered.begin(), rendered.begin() + static_cast<std::ptrdiff_t>(frame), image.begin()));
}

// The end is in the latents as it was encoded: what the decoder makes of it differs by what it remembers.
TEST_F(WaysIn, TheEndIsWhatWasGiven) {
  for (const std::int64_t context : {1, 2}) {
    const Case one = way("one", 13, {}, clip(9, 2), [&](auto& r) { r.context = context; });
    Case other = one;
    other.request.seed += 1;
    const VideoJob ready = job(one);
    const auto latents_of = [&](const Case& way) {
      const VideoJob mine = job(way);
      std::vector<exact::Tensor> latents;
      Listener listener;
      listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
      listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
      listener.latent = [&](const exact::Tensor& latent) { latents.push_back(latent); };
      exact::Engine runner = engine();
      EXPECT_TRUE(run_video(mine, runner, listener).ok());
      return latents.at(0);
    };
    const exact::Tensor a = latents_of(one);
    const exact::Tensor b = latents_of(other);
    const auto frames = static_cast<std::size_t>(a.shape()[1]);
    const std::size_t size = a.f32().size() / frames;
    const auto known = static_cast<std::size_t>(context) * size;
    EXPECT_TRUE(std::equal(a.f32().end() - static_cast<std::ptrdiff_t>(known), a.f32().end(),
                           b.f32().end() - static_cast<std::ptrdiff_t>(known)));
    EXPECT_FALSE(std::equal(a.f32().begin(), a.f32().begin() + static_cast<std::ptrdiff_t>(size), b.f32().begin()));
  }
}

TEST_F(WaysIn, PromptsShareAProgramAndGivenFramesToo) {
  const Case one = way("one", 9, clip(1, 1), {});
  const Case other = way("other", 9, clip(1, 2), {});
  EXPECT_EQ(job(one).program_root(), job(other).program_root());
  EXPECT_NE(job(one).input_roots(), job(other).input_roots());
  const auto shared = job(one).with_other_text(open(), other.request, other.given);
  ASSERT_TRUE(shared.ok());
  EXPECT_EQ(shared->input_roots(), job(other).input_roots());
  EXPECT_FALSE(job(one).with_other_text(open(), other.request, one.given).ok()) << "not the frames it names";
  Case without = one;
  without.given = nullptr;
  EXPECT_EQ(job(without).program_root(), job(one).program_root());
}

TEST_F(WaysIn, AChangedInputIsFound) {
  const Case way = cases()[0];
  const Made made = make(way);
  video::Frames changed = *way.given;
  changed.rgb[100] ^= 1;
  EXPECT_FALSE(check_given(way.request, changed).ok());
  EXPECT_FALSE(given_from_pixels(way.request, changed.rgb).ok());
  EXPECT_TRUE(given_from_pixels(way.request, way.given->rgb).ok());
  changed = *way.given;
  changed.rgb.pop_back();
  EXPECT_FALSE(given_from_pixels(way.request, changed.rgb).ok());
  // A receipt whose parameters name other frames is of other inputs.
  changed = *way.given;
  changed.rgb[100] ^= 1;
  Case other = way;
  other.request.given = given_root(changed);
  other.given = std::make_shared<video::Frames>(changed);
  const auto difference = check(other, made.receipt);
  ASSERT_TRUE(difference.has_value());
  EXPECT_TRUE(difference->message.starts_with("input")) << difference->message;
}

TEST_F(WaysIn, KilledAfterAnyCallTheReceiptIsTheSame) {
  const Case way = cases()[1];
  const auto go_on = [&](std::uint32_t kill_after) -> std::string {
    const VideoJob ready = job(way);
    auto journal = proof::Journal::open(file("way.journal"), ready.program(), journal_run(ready, *open().root()));
    auto trace = proof::TraceWriter::create(file("way.trace"));
    exact::Engine runner = engine({}, 1);
    Listener listener;
    std::uint32_t run = 0;
    listener.after_call = [&](std::uint32_t) -> base::Status {
      if (++run == kill_after) ::raise(SIGKILL);
      return {};
    };
    listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
    auto receipt = make_video(ready, runner, nullptr, *trace, *journal, listener);
    EXPECT_TRUE(receipt.ok()) << receipt.error().message;
    const base::Bytes secret(32, 9);
    EXPECT_TRUE(proof::sign_receipt(*receipt, *base::SecretKey::from_bytes(secret)).ok());
    return *proof::receipt_text(*receipt);
  };
  const std::string wanted = go_on(0);
  const auto calls = static_cast<std::uint32_t>(job(way).program().calls().size());
  for (std::uint32_t after = 1; after <= calls; ++after) {
    std::filesystem::remove(file("way.journal"));
    const pid_t child = ::fork();
    if (child == 0) {
      (void)go_on(after);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << after;
    EXPECT_EQ(go_on(0), wanted) << after;
  }
}

TEST_F(WaysIn, ALoopEndsBeforeItsFirstFrame) {
  const auto pixels = make(cases()[6]).pixels;
  EXPECT_EQ(pixels.size(), 12U * 16 * 32 * 3);
}

TEST_F(WaysIn, MemoryDoesNotGrowWithDuration) {
  const auto peak = [](std::int64_t frames) {
    return job(way("long", frames, {}, {}, [](auto& r) { r.window = 3; })).peak_bytes();
  };
  EXPECT_EQ(peak(61), peak(241));
}

TEST_F(WaysIn, WhatCannotBeIsRefusedInWords) {
  const models::ModelConfig config = open().config();
  const auto message = [&](std::int64_t frames, const std::function<void(TextToVideo&)>& change) {
    TextToVideo request = small_request();
    request.frames = frames;
    change(request);
    const auto status = check_request(config, request);
    return status.ok() ? std::string() : status.error().message;
  };
  const auto given = [](TextToVideo& r) { r.given = base::Hash{}; };
  EXPECT_EQ(message(9, [](auto&) {}), "");
  EXPECT_NE(message(9, [](auto& r) { r.start = 1; }), "") << "no root";
  EXPECT_NE(message(9, given), "") << "a root of nothing";
  for (const std::int64_t start : {-1, 2, 4, 13}) {
    EXPECT_NE(message(9, [&](auto& r) { r.start = start, given(r); }), "") << start;
  }
  EXPECT_NE(message(9, [&](auto& r) { r.start = 9, given(r); }).find("longer"), std::string::npos);
  EXPECT_NE(message(9, [&](auto& r) { r.start = 5, r.end = 4, given(r); }).find("longer"), std::string::npos);
  EXPECT_EQ(message(13, [&](auto& r) { r.start = 5, r.end = 4, given(r); }), "");
  for (const float strength : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_NE(message(9, [&](auto& r) { r.start = 9, r.strength = strength, given(r); }), "") << strength;
  }
  EXPECT_NE(message(9, [&](auto& r) { r.start = 5, r.strength = 0.5F, given(r); }), "");
  EXPECT_NE(message(9, [](auto& r) { r.loop = true; }), "");
  EXPECT_NE(message(4, [](auto& r) { r.loop = true; }).find('8'), std::string::npos);
  EXPECT_EQ(message(8, [](auto& r) { r.loop = true; }), "");
  EXPECT_NE(message(8, [&](auto& r) { r.loop = true, r.end = 4, given(r); }), "");
  EXPECT_NE(message(21, [](auto& r) { r.window = 2; }), "");
  EXPECT_NE(message(21, [](auto& r) { r.context = 0, r.window = 3; }), "");
  models::ModelConfig old = config;
  old.pipeline.expand_timesteps = false;
  TextToVideo request = small_request();
  request.frames = 21;
  request.window = 3;
  EXPECT_FALSE(check_request(old, request).ok());
  request.window = 0;
  EXPECT_TRUE(check_request(old, request).ok());
}

}  // namespace
}  // namespace starling::generate
