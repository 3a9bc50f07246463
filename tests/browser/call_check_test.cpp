#include "browser/call_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "exact/engine.h"
#include "proof/commitment.h"
#include "proof/model_root.h"
#include "video/frames.h"

namespace starling::browser {
namespace {

using exact::Binding;
using exact::Builder;
using exact::Tensor;
using exact::Type;
using Part = Mismatch::Part;

const exact::Shape kLatent{4, 12};
const exact::Shape kPixels{1, 1, 4, 4, 3};

exact::Graph finished(Builder& builder) {
  auto graph = builder.finish();
  EXPECT_TRUE(graph.ok());
  return *graph;
}

// As a video is made, in small: noise upon given pixels; three steps, whose "cache" nobody keeps; two frames.
exact::Program small_program() {
  exact::ProgramBuilder p;
  Builder begin;
  const auto pixels = begin.reshape(begin.to_f32(begin.input("start", Type::kU8, kPixels)), kLatent);
  begin.output("x", begin.add(begin.normal(begin.input("seed", Type::kI32, {2}), 7, kLatent), pixels));
  const Binding seed = p.input("seed", Type::kI32, {2});
  const Binding start = p.input("start", Type::kU8, kPixels);
  Binding at = p.result(p.call(p.graph(finished(begin)), {{"seed", seed}, {"start", start}}), "x");
  Builder step;
  const auto x = step.input("x", Type::kF32, kLatent);
  const auto weight = step.input("vae/weight", Type::kF32, {12, 12});
  const auto moved = step.tanh(step.linear(x, weight, step.input("text_encoder/shared.weight", Type::kF32, {12})));
  step.output("x", moved);
  step.output("cache", step.mul(moved, step.add(step.input("cache", Type::kF32, kLatent), 0.125F)));
  const std::uint32_t graph = p.graph(finished(step));
  Binding cache = at;
  for (int i = 0; i < 3; ++i) {
    const std::uint32_t call = p.call(graph, {{"x", at}, {"cache", cache}});
    at = p.result(call, "x");
    cache = p.result(call, "cache");
  }
  Builder end;
  end.output("frames", end.reshape(end.mul(end.input("x", Type::kF32, kLatent), 0.5F), kPixels));
  const std::uint32_t last = p.graph(finished(end));
  p.output("frames.0", p.result(p.call(last, {{"x", at}}), "frames"));
  p.output("frames.1", p.result(p.call(last, {{"x", cache}}), "frames"));
  auto program = p.finish();
  EXPECT_TRUE(program.ok()) << program.error().message;
  return *program;
}

constexpr std::uint32_t kCalls = 6;
constexpr std::uint32_t kLastStep = 3;
constexpr std::uint32_t kOfCache = 5;  // the call that reads the last cache

// What an honest executor has: the definitions give its numbers.
class CallChecks : public ::testing::Test {
 protected:
  CallChecks() : program_(small_program()) {
    const std::int32_t seed[] = {5, -6};
    inputs_ = {Tensor::from_i32({2}, seed), Tensor(Type::kU8, kPixels)};
    for (std::size_t i = 0; i < 48; ++i) inputs_[1].u8()[i] = static_cast<std::uint8_t>(i % 3);
    for (const exact::GraphInput& weight : program_.weights()) {
      Tensor values(Type::kF32, weight.shape);
      for (std::size_t i = 0; i < values.f32().size(); ++i) {
        values.f32()[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5) / 8;
      }
      weights_.push_back(*values.rounded(Type::kF16));
      // The shared embedding under the other name that it may have.
      std::string name = weight.name;
      if (name == "text_encoder/shared.weight") name = "text_encoder/encoder.embed_tokens.weight";
      names_.push_back(name);
      roots_[name] = proof::tensor_root(weights_.back());
    }
    execute();
  }

  void execute() {
    trace_.assign({'s', 't', 'a', 'r', 'l', 'i', 'n', 'g', ' ', 't', 'r', 'a', 'c', 'e', ' ', '1'});
    std::vector<std::vector<Tensor>> made;
    for (const exact::Call& call : program_.calls()) {
      std::vector<Tensor> operands;
      for (const Binding& binding : call.bindings) {
        switch (binding.kind) {
          case Binding::Kind::kInput:
            operands.push_back(inputs_[binding.index]);
            break;
          case Binding::Kind::kWeight:
            operands.push_back(*weights_[binding.index].widened());
            break;
          case Binding::Kind::kLiteral:
            operands.push_back(program_.literals()[binding.index]);
            break;
          case Binding::Kind::kOutput:
            operands.push_back(made[binding.index][binding.output]);
        }
      }
      made.push_back(*exact::run_reference(program_.graphs()[call.graph], operands));
      std::vector<base::Hash> roots;
      const std::size_t index = made.size() - 1;
      for (std::size_t output = 0; output < made.back().size(); ++output) {
        const Tensor& tensor = made.back()[output];
        roots.push_back(proof::tensor_root(tensor));
        trace_.insert(trace_.end(), roots.back().bytes.begin(), roots.back().bytes.end());
        const int x = program_.graphs()[call.graph].find_output("x");
        const bool kept = index <= kLastStep && static_cast<int>(output) == x;
        trace_.push_back(kept ? 1 : 0);
        if (kept) trace_.insert(trace_.end(), tensor.bytes().begin(), tensor.bytes().end());
      }
      claim_.calls.push_back(proof::list_root(roots));
      if (index <= kLastStep) continue;
      base::Bytes pixels(48);
      EXPECT_TRUE(video::pixels_from_values(made.back()[0].f32(), pixels).ok());
      claim_.frames.push_back(video::frame_hash({4, 4, pixels}));
    }
    claim_.program_root = program_.root();
    claim_.model_root = proof::model_root(files_, roots_);
    claim_.work = program_.work();
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      claim_.inputs[program_.inputs()[i].name] = proof::tensor_root(inputs_[i]);
    }
    base::Encoder file;
    const base::Bytes encoded = program_.encode();
    file.u32(static_cast<std::uint32_t>(encoded.size()));
    program_file_.assign({'s', 't', 'a', 'r', 'l', 'i', 'n', 'g', ' ', 'p', 'r', 'o', 'g', 'r', 'a', 'm', ' ', '1'});
    append(program_file_, file.data());
    append(program_file_, encoded);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      base::Encoder place;
      const bool given = program_.inputs()[i].name == "start";
      place.u8(given ? 1 : 0);
      if (given) place.u64(2);  // after two bytes of something else
      append(program_file_, place.data());
      if (!given) append(program_file_, inputs_[i].bytes());
    }
    given_ = {9, 9};
    append(given_, inputs_[1].bytes());
  }

  static void append(base::Bytes& to, base::ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

  base::Bytes leaves() const {
    base::Encoder encoder;
    for (const auto* hashes : {&files_, &roots_}) {
      encoder.u32(static_cast<std::uint32_t>(hashes->size()));
      for (const auto& [name, hash] : *hashes) {
        encoder.text(name);
        encoder.hash(hash);
      }
    }
    return encoder.data();
  }

  // Whether the trace has a number of the second or third step's "x" there, which calls that are run make anew.
  static bool is_kept_number(std::size_t at) {
    constexpr std::size_t kHead = 33;
    constexpr std::size_t kStep = kHead + 192 + kHead;
    const std::size_t begin = 16 + kHead + 192;
    const std::size_t within = (at - begin) % kStep;
    return within >= kHead && within < kHead + 192;
  }

  // Everything up to a verdict on one call.
  Verdict check(std::uint32_t call, const std::string& backend = "generic") {
    CallCheck check(claim_);
    for (const auto& take : std::vector<std::function<Verdict()>>{
             [&] { return check.take_model(leaves()); }, [&] { return check.take_program(program_file_); },
             [&] { return check.take_given(given_); }, [&] { return check.take_trace(trace_); },
             [&] { return check.choose(call); }}) {
      Verdict verdict = take();
      if (!verdict.ok() || *verdict) return verdict;
    }
    for (const std::string& name : check.weights()) {
      const auto index = static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
      Verdict verdict = check.take_weight(weights_[index].type(), weights_[index].bytes());
      if (!verdict.ok() || *verdict) return verdict;
    }
    std::uint32_t last = 0;
    std::uint32_t all = 0;
    Verdict verdict = check.run(backend, [&](std::uint32_t done, std::uint32_t total) {
      EXPECT_LE(last, done);
      last = done;
      all = total;
    });
    if (verdict.ok() && !*verdict) {
      EXPECT_EQ(last, all);
    }
    chosen_ = check.chosen();
    numbers_ = check.numbers();
    return verdict;
  }

  void expect_mismatch(std::uint32_t call, Part part, const std::string& name = {}) {
    const Verdict verdict = check(call);
    ASSERT_TRUE(verdict.ok()) << verdict.error().message;
    ASSERT_TRUE(verdict->has_value());
    EXPECT_EQ((*verdict)->part, part);
    EXPECT_EQ((*verdict)->name, name);
  }

  exact::Program program_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> weights_;
  std::vector<std::string> names_;
  std::map<std::string, base::Hash> files_{{"vae/config.json", base::sha256({})}};
  std::map<std::string, base::Hash> roots_;
  Claim claim_;
  base::Bytes program_file_;
  base::Bytes given_;
  base::Bytes trace_;
  std::vector<std::uint32_t> chosen_;
  std::uint64_t numbers_ = 0;
};

TEST_F(CallChecks, EveryCallOfAnHonestRunHolds) {
  for (std::uint32_t call = 0; call < kCalls; ++call) {
    for (const char* const backend : {"generic", "reference"}) {
      const Verdict verdict = check(call, backend);
      ASSERT_TRUE(verdict.ok()) << verdict.error().message;
      EXPECT_FALSE(verdict->has_value()) << call << ": part " << static_cast<int>((*verdict)->part);
    }
  }
  // The cache was not kept, so every step is run for the call that reads the last one.
  EXPECT_EQ(chosen_, (std::vector<std::uint32_t>{1, 2, 3, kOfCache}));
  EXPECT_EQ(numbers_, 3 * 96 + 48);
  ASSERT_TRUE(check(4).ok());
  EXPECT_EQ(chosen_, std::vector<std::uint32_t>{4});
}

TEST_F(CallChecks, EveryFlippedBitOfAFileIsFound) {
  const auto each = [&](base::Bytes& file, std::initializer_list<Part> parts) {
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      file[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const Verdict verdict = check(kLastStep);
      ASSERT_TRUE(verdict.ok()) << bit << ": " << verdict.error().message;
      ASSERT_TRUE(verdict->has_value()) << bit;
      EXPECT_TRUE(std::ranges::find(parts, (*verdict)->part) != parts.end()) << bit;
      file[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
  };
  each(program_file_, {Part::kProgram, Part::kInput});
  const base::Bytes all = given_;
  given_[0] = 1;  // not of the video
  EXPECT_FALSE(check(0)->has_value());
  given_ = all;
  given_[2] ^= 1;
  expect_mismatch(kLastStep, Part::kInput, "start");
  given_ = all;
  given_.pop_back();
  expect_mismatch(0, Part::kInput, "start");
}

TEST_F(CallChecks, WhatACallReadsIsHeldAgainstItsRoot) {
  // The heads of all calls are looked at; kept numbers when a call reads them, as the second and the fifth do.
  constexpr std::size_t kHead = 33;
  constexpr std::size_t kNumbers = 192;
  const std::size_t last = trace_.size() - 2 * kHead - kHead - kNumbers;  // before the last step's cache and two frames
  for (std::size_t at = 0; at < trace_.size(); at += 5) {
    const bool of_first = at >= 16 + kHead && at < 16 + kHead + kNumbers;
    const bool of_last = at >= last && at < last + kNumbers;
    const bool unread = at >= 16 + kHead + kNumbers && !of_last && at < last && is_kept_number(at);
    trace_[at] ^= 16;
    const Verdict verdict = check(of_first ? 1 : 4);
    ASSERT_TRUE(verdict.ok());
    EXPECT_EQ(verdict->has_value() && (*verdict)->part == Part::kTrace, !unread) << at;
    trace_[at] ^= 16;
  }
  trace_.push_back(0);
  expect_mismatch(0, Part::kTrace);
}

TEST_F(CallChecks, AnotherWeightIsNamed) {
  weights_[0].mutable_bytes()[3] ^= 1;
  expect_mismatch(1, Part::kWeight, names_[0]);
  roots_[names_[0]] = proof::tensor_root(weights_[0]);
  expect_mismatch(1, Part::kModel);
  // A model of that weight, honestly named, gives other numbers.
  claim_.model_root = proof::model_root(files_, roots_);
  expect_mismatch(1, Part::kOutput, "1");
}

TEST_F(CallChecks, WhatTheReceiptSaysOfCallsAndFramesIsComputed) {
  const Claim honest = claim_;
  claim_.frames[1].bytes[0] ^= 1;
  expect_mismatch(kOfCache, Part::kFrame, "1");
  claim_ = honest;
  claim_.work.elements += 1;
  expect_mismatch(0, Part::kProgram);
  claim_ = honest;
  claim_.calls.pop_back();
  expect_mismatch(0, Part::kProgram);
  claim_ = honest;
  claim_.inputs["seed"].bytes[31] ^= 128;
  expect_mismatch(0, Part::kInput, "seed");
  claim_ = honest;
  claim_.program_root.bytes[7] ^= 1;
  expect_mismatch(0, Part::kProgram);
  claim_ = honest;
  EXPECT_FALSE(check(kCalls).ok());
}

// An executor that lies about one number, consistently: its trace and receipt agree, and only computing shows it.
TEST_F(CallChecks, AConsistentLieIsFoundByRunningTheCall) {
  constexpr std::size_t kHead = 33;
  const std::size_t at = 16 + kHead;  // of what the first call kept
  trace_[at] ^= 1;
  Tensor lie(Type::kF32, kLatent);
  std::copy_n(trace_.begin() + at, lie.byte_size(), lie.mutable_bytes().begin());
  const base::Hash root = proof::tensor_root(lie);
  std::copy(root.bytes.begin(), root.bytes.end(), trace_.begin() + 16);
  claim_.calls[0] = proof::list_root({&root, 1});
  expect_mismatch(0, Part::kOutput, "0");
}

TEST_F(CallChecks, AClaimIsReadWhole) {
  base::Encoder encoder;
  encoder.hash(claim_.model_root);
  encoder.hash(claim_.program_root);
  encoder.u32(1);
  encoder.text("seed");
  encoder.hash(claim_.inputs["seed"]);
  for (const std::uint64_t work : {1, 2, 3}) encoder.u64(work);
  encoder.u32(1);
  encoder.hash(claim_.calls[0]);
  encoder.u32(0);
  const base::Result<Claim> read = Claim::decode(encoder.data());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->inputs.at("seed"), claim_.inputs["seed"]);
  EXPECT_EQ(read->work.i8_multiply_adds, 3U);
  EXPECT_EQ(read->calls, std::vector<base::Hash>{claim_.calls[0]});
  for (std::size_t size = 0; size < encoder.data().size(); ++size) {
    EXPECT_FALSE(Claim::decode(base::ByteView(encoder.data()).subspan(0, size)).ok());
  }
}

}  // namespace
}  // namespace starling::browser
