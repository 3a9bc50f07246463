#include "proof/replay.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/file.h"
#include "proof/commitment.h"
#include "temporary_folder.h"

namespace starling::proof {
namespace {

using exact::Binding;
using exact::Builder;
using exact::Tensor;
using exact::Type;

exact::Graph finished(Builder& builder) {
  auto graph = builder.finish();
  EXPECT_TRUE(graph.ok());
  return *graph;
}

// start -> three steps -> two ends: as a video is made, in small. A step also gives a "cache" that the next one reads.
exact::Program small_program() {
  exact::ProgramBuilder p;
  Builder start;
  start.output("x", start.mul(start.input("seed", Type::kF32, {8}), 2.0F));
  const std::uint32_t first = p.call(p.graph(finished(start)), {{"seed", p.input("seed", Type::kF32, {8})}});
  Builder step;
  const auto x = step.input("x", Type::kF32, {8});
  const auto moved = step.add(step.mul(x, step.input("weight", Type::kF32, {8})), step.input("shift", Type::kF32, {}));
  step.output("x", moved);
  step.output("cache", step.mul(moved, step.input("cache", Type::kF32, {8})));
  const std::uint32_t graph = p.graph(finished(step));
  Binding at = p.result(first, "x");
  Binding cache = at;
  for (const float shift : {0.5F, 0.25F, 0.125F}) {
    const std::uint32_t call =
        p.call(graph, {{"x", at}, {"cache", cache}, {"shift", p.literal(Tensor::from_f32({}, {&shift, 1}))}});
    at = p.result(call, "x");
    cache = p.result(call, "cache");
  }
  Builder end;
  end.output("frame", end.div(end.input("x", Type::kF32, {8}), end.fill(4.0F)));
  const std::uint32_t last = p.graph(finished(end));
  p.output("a", p.result(p.call(last, {{"x", at}}), "frame"));
  p.output("b", p.result(p.call(last, {{"x", cache}}), "frame"));
  auto program = p.finish();
  EXPECT_TRUE(program.ok());
  return *program;
}

constexpr std::uint32_t kReplayedCalls = 6;
constexpr std::uint32_t kFirstEnd = 4;

class Replay : public FolderTest {
 protected:
  Replay() : program_(*exact::PreparedProgram::make(small_program())), engine_(*exact::Engine::create({})) {
    execute();
  }

  Job job() { return {&program_, &engine_, &inputs_, &weights_}; }

  static base::Result<MadeFrames> frames_of(std::uint32_t call, const std::vector<Tensor>& outputs) {
    if (call < kFirstEnd) return MadeFrames{};
    return MadeFrames{call - kFirstEnd, {base::sha256(outputs[0].bytes())}};
  }

  // An honest run: fills the receipt and writes the trace, which keeps "x" but not "cache".
  void execute() {
    receipt_.calls.clear();
    receipt_.frames.clear();
    auto writer = TraceWriter::create(trace_path());
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    const auto status =
        run_calls(job(), std::vector<bool>(kReplayedCalls, true), nullptr,
                  [&](std::uint32_t call, const std::vector<Tensor>& outputs, const OutputRoots& roots) {
                    receipt_.calls.push_back(list_root(roots));
                    const auto made = frames_of(call, outputs);
                    receipt_.frames.insert(receipt_.frames.end(), made->hashes.begin(), made->hashes.end());
                    return writer->add(roots, outputs, {call < kFirstEnd, false});
                  });
    ASSERT_TRUE(status.ok()) << status.error().message;
    ASSERT_TRUE(writer->commit().ok());
  }

  std::filesystem::path trace_path() const { return folder_ / "small.trace"; }
  base::Result<TraceReader> trace() const {
    return TraceReader::open(trace_path(), program_.program(), receipt_.calls);
  }

  ReplayResult check(const std::vector<bool>& calls, const TraceReader* kept) {
    auto result = replay(job(), receipt_, calls, kept, frames_of);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return *result;
  }
  static std::vector<bool> only(std::uint32_t call) {
    std::vector<bool> calls(kReplayedCalls, false);
    calls[call] = true;
    return calls;
  }

  exact::PreparedProgram program_;
  exact::Engine engine_;
  const float seed_[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const float weight_[8] = {0.5F, 0.25F, 1, 2, 0.125F, 3, 0.75F, -1};
  std::vector<Tensor> inputs_{Tensor::from_f32({8}, seed_)};
  std::vector<Tensor> weights_{Tensor::from_f32({8}, weight_)};
  Receipt receipt_;
};

TEST_F(Replay, AnHonestReceiptHolds) {
  const ReplayResult result = check(std::vector<bool>(kReplayedCalls, true), nullptr);
  EXPECT_FALSE(result.difference.has_value());
  EXPECT_EQ(result.checked_calls, kReplayedCalls);
  EXPECT_EQ(receipt_.frames.size(), 2U);
}

TEST_F(Replay, TheFirstDifferenceIsNamed) {
  receipt_.calls[2].bytes[0] ^= 1;
  receipt_.calls[3].bytes[0] ^= 1;
  EXPECT_TRUE(check(std::vector<bool>(kReplayedCalls, true), nullptr).difference->message.starts_with("call 2:"));
  execute();
  receipt_.frames[1].bytes[31] ^= 1;
  EXPECT_TRUE(check(std::vector<bool>(kReplayedCalls, true), nullptr).difference->message.starts_with("frame 1:"));
}

TEST_F(Replay, AnotherWeightOrInputIsFound) {
  inputs_[0].f32()[7] += 1.0F;
  EXPECT_TRUE(check(std::vector<bool>(kReplayedCalls, true), nullptr).difference->message.starts_with("call 0:"));
  inputs_[0].f32()[7] -= 1.0F;
  weights_[0].f32()[0] += 1.0F;
  EXPECT_TRUE(check(std::vector<bool>(kReplayedCalls, true), nullptr).difference->message.starts_with("call 1:"));
}

TEST_F(Replay, OneCallIsCheckedFromWhatWasKept) {
  const auto kept = trace();
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_TRUE(kept->check_all().ok());
  EXPECT_EQ(check(only(0), &*kept).checked_calls, 1U);
  EXPECT_EQ(check(only(1), &*kept).checked_calls, 1U);
  EXPECT_EQ(check(only(kFirstEnd), &*kept).checked_calls, 1U);
  // Its cache was not kept, so the calls that make it are run as well.
  EXPECT_EQ(check(only(3), &*kept).checked_calls, 3U);
  // Without a trace all that came before is needed.
  EXPECT_EQ(check(only(3), nullptr).checked_calls, 4U);
  receipt_.calls[1].bytes[5] ^= 1;
  EXPECT_TRUE(check(only(1), &*kept).difference.has_value());
  EXPECT_FALSE(check(only(kFirstEnd), &*kept).difference.has_value()) << "a call that was not drawn is not seen";
}

TEST_F(Replay, ChangedTracesAreFound) {
  const auto bytes = base::read_file(trace_path(), 1 << 20);
  ASSERT_TRUE(bytes.ok());
  const auto fails = [&](const base::Bytes& changed) {
    std::ofstream(trace_path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(changed.data()), static_cast<std::streamsize>(changed.size()));
    const auto reader = trace();
    return !reader.ok() || !reader->check_all().ok();
  };
  EXPECT_FALSE(fails(*bytes));
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    base::Bytes changed = *bytes;
    changed[at] ^= 1;
    EXPECT_TRUE(fails(changed)) << at;
  }
  for (std::size_t size = 0; size < bytes->size(); size += 3) {
    EXPECT_TRUE(fails(base::Bytes(bytes->begin(), bytes->begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
  base::Bytes longer = *bytes;
  longer.push_back(0);
  EXPECT_TRUE(fails(longer));
}

TEST_F(Replay, ADamagedKeptOutputIsADifference) {
  auto bytes = *base::read_file(trace_path(), 1 << 20);
  bytes[16 + 33 + 3] ^= 1;  // in the output of call 0
  ASSERT_TRUE(base::write_file(trace_path(), bytes).ok());
  const auto kept = trace();
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(check(only(1), &*kept).difference->message.starts_with("trace:"));
}

TEST_F(Replay, ACallThatIsNotFiniteIsADifference) {
  weights_[0].f32()[3] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(check(std::vector<bool>(kReplayedCalls, true), nullptr).difference->message.starts_with("call 1:"));
}

TEST(Sample, DrawsThatManyCallsEachEquallyOften) {
  std::uint64_t state = 1;
  const auto random = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 20;
  };
  std::vector<int> drawn(10, 0);
  for (int i = 0; i < 3000; ++i) {
    const auto marked = sample_calls(10, 3, random);
    int count = 0;
    for (std::size_t call = 0; call < 10; ++call) {
      count += marked[call] ? 1 : 0;
      drawn[call] += marked[call] ? 1 : 0;
    }
    ASSERT_EQ(count, 3);
  }
  // 900 expected, standard deviation 25.
  for (const int times : drawn) EXPECT_NEAR(times, 900, 150);
  EXPECT_EQ(sample_calls(2, 5, random), std::vector<bool>({true, true}));
  EXPECT_EQ(sample_calls(2, 0, random), std::vector<bool>({false, false}));
}

}  // namespace
}  // namespace starling::proof
