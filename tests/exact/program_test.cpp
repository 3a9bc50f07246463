#include "exact/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/merkle.h"
#include "exact/call_schedule.h"
#include "exact/run_memory.h"
#include "exact/tensor_root.h"

namespace starling::exact {
namespace {

Graph step_graph(float scale) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, 3});
  const auto w = b.input("w", Type::kF32, {3, 3});
  const auto t = b.input("t", Type::kF32, {});
  b.output("y", b.mul(b.add(b.dot(x, w), t), scale));
  b.output("spare", b.neg(x));
  return *b.finish();
}

Graph sum_graph() {
  Builder b;
  b.output("total", b.sum(b.sum(b.input("x", Type::kF32, {2, 3}), 0), 1));
  return *b.finish();
}

Tensor number(float value) { return Tensor::from_f32({}, {&value, 1}); }

// Three steps of x ← (x·w + t)·½ with t = 0, 1, 2, then the sum.
Program small_program() {
  ProgramBuilder p;
  Binding x = p.input("start", Type::kF32, {2, 3});
  for (int i = 0; i < 3; ++i) {
    const std::uint32_t graph = p.graph(step_graph(0.5F));
    const std::uint32_t call = p.call(graph, {{"x", x}, {"t", p.literal(number(static_cast<float>(i)))}});
    x = p.result(call, "y");
  }
  const std::uint32_t call = p.call(p.graph(sum_graph()), {{"x", x}});
  p.output("total", p.result(call, "total"));
  p.output("last", x);
  auto program = p.finish();
  EXPECT_TRUE(program.ok()) << program.error().message;
  return *program;
}

const std::vector<float> kStart{1, 2, 3, 4, 5, 6};
const std::vector<float> kWeight{1, 0, 0.5F, 0, 1, 0, -1, 0, 2};

std::vector<Tensor> start() { return {Tensor::from_f32({2, 3}, kStart)}; }
std::vector<Tensor> weights() { return {Tensor::from_f32({3, 3}, kWeight)}; }

// What the program computes, in the plainest way; every value is exact.
std::vector<float> expected_last() {
  std::vector<float> x = kStart;
  for (int step = 0; step < 3; ++step) {
    std::vector<float> y(6);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t k = 0; k < 3; ++k) y[i] += x[i / 3 * 3 + k] * kWeight[i % 3 * 3 + k];
      y[i] = (y[i] + static_cast<float>(step)) * 0.5F;
    }
    x = y;
  }
  return x;
}

std::vector<float> floats(const Tensor& tensor) { return {tensor.f32().begin(), tensor.f32().end()}; }

Engine engine() {
  auto made = Engine::create({"generic", 1});
  EXPECT_TRUE(made.ok());
  return *std::move(made);
}

TEST(Program, SharesGraphsWeightsAndLiterals) {
  const Program program = small_program();
  EXPECT_EQ(program.graphs().size(), 2U);
  EXPECT_EQ(program.weights().size(), 1U);
  EXPECT_EQ(program.literals().size(), 3U);
  EXPECT_EQ(program.calls().size(), 4U);
  ProgramBuilder p;
  EXPECT_EQ(p.literal(number(1)).index, p.literal(number(1)).index);
  EXPECT_NE(p.literal(number(1)).index, p.literal(number(2)).index);
}

TEST(Program, CountsTheWorkOfEveryCall) {
  const Work work = small_program().work();
  EXPECT_EQ(work.f32_multiply_adds, 3U * 2 * 3 * 3);
  // add, mul and neg of 6 each and the scale's fill, three times; then sums to 3 and to 1.
  EXPECT_EQ(work.elements, 3U * (6 + 6 + 6 + 1) + 3 + 1);
}

TEST(Program, WorkStaysAtItsLargestNumber) {
  Work work{~std::uint64_t{0} - 1, 5, 0};
  work.add({2, 1, 3});
  EXPECT_EQ(work.f32_multiply_adds, ~std::uint64_t{0});
  EXPECT_EQ(work.i8_multiply_adds, 6U);
}

// Compilers choose the order in which the arguments of a builder's call are built; it must not show.
TEST(Program, TheOrderOfBuildingDoesNotShow) {
  const auto built = [](bool left_first, bool canonical) {
    Builder b;
    const auto x = left_first ? b.input("x", Type::kF32, {4}) : b.input("y", Type::kF32, {4});
    const auto y = left_first ? b.input("y", Type::kF32, {4}) : b.input("x", Type::kF32, {4});
    Builder::Value left;
    Builder::Value right;
    for (const bool now_left : {left_first, !left_first}) {
      if (now_left) left = b.exp(left_first ? x : y);
      if (!now_left) right = b.neg(left_first ? y : x);
    }
    b.output("sum", b.add(left, right));
    const Graph graph = *b.finish();
    return canonical ? graph.in_canonical_order().root() : graph.root();
  };
  EXPECT_NE(built(true, false), built(false, false));
  EXPECT_EQ(built(true, true), built(false, true));
}

TEST(Program, RefusesGraphsInAnotherOrder) {
  const Program program = small_program();
  base::Bytes bytes = program.encode();
  const base::Bytes canonical = step_graph(0.5F).in_canonical_order().encode();
  const base::Bytes other = step_graph(0.5F).encode();
  ASSERT_EQ(canonical.size(), other.size());
  const auto found = std::search(bytes.begin(), bytes.end(), canonical.begin(), canonical.end());
  ASSERT_NE(found, bytes.end());
  std::ranges::copy(other, found);
  const auto decoded = Program::decode(bytes);
  ASSERT_FALSE(decoded.ok());
  EXPECT_NE(decoded.error().message.find("canonical order"), std::string::npos) << decoded.error().message;
}

TEST(Program, EncodingRoundTripsAndKeepsTheRoot) {
  const Program program = small_program();
  const auto decoded = Program::decode(program.encode());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->encode(), program.encode());
  EXPECT_EQ(decoded->root(), program.root());
}

TEST(Program, EveryChangedBitIsRefusedOrChangesTheRoot) {
  const Program program = small_program();
  const base::Bytes bytes = program.encode();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    base::Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto decoded = Program::decode(changed);
    if (!decoded.ok()) continue;
    EXPECT_NE(decoded->root(), program.root()) << bit;
    EXPECT_EQ(decoded->encode(), changed) << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Program::decode(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

// The output's number of a binding that is not to an output has no meaning: two encodings would say the same.
TEST(Program, RefusesBindingsWithTwoMeanings) {
  const Program program = small_program();
  base::Bytes bytes = program.encode();
  base::Encoder call;
  call.u32(0);
  call.u32(3);
  // In the order of the names t, w, x.
  for (const Binding::Kind kind : {Binding::Kind::kLiteral, Binding::Kind::kWeight, Binding::Kind::kInput}) {
    call.u8(static_cast<std::uint8_t>(kind));
    call.u32(0);
    call.u32(0);
  }
  const auto found = std::search(bytes.begin(), bytes.end(), call.data().begin(), call.data().end());
  ASSERT_NE(found, bytes.end());
  found[13] = 1;
  const auto decoded = Program::decode(bytes);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message, "program: a binding with two meanings");
}

// The layout of docs/exact.md, by hand: a call can be shown to belong to a program.
TEST(Program, RootIsTheHashOfSixLists) {
  const Program program = small_program();
  std::vector<base::Hash> calls;
  for (const Call& call : program.calls()) {
    base::Encoder leaf;
    leaf.u32(call.graph);
    leaf.u32(static_cast<std::uint32_t>(call.bindings.size()));
    for (const Binding& binding : call.bindings) {
      leaf.u8(static_cast<std::uint8_t>(binding.kind));
      leaf.u32(binding.index);
      leaf.u32(binding.output);
    }
    calls.push_back(base::merkle_leaf(leaf.data()));
  }
  std::vector<base::Hash> graphs;
  for (const Graph& graph : program.graphs()) graphs.push_back(base::merkle_leaf(graph.root().bytes));
  std::vector<base::Hash> literals;
  for (const Tensor& literal : program.literals()) literals.push_back(base::merkle_leaf(tensor_root(literal).bytes));
  const auto named = [](base::Encoder& leaf, const char* name, std::initializer_list<std::int64_t> sizes) {
    leaf.text(name);
    leaf.u8(0);
    leaf.u8(static_cast<std::uint8_t>(sizes.size()));
    for (const std::int64_t size : sizes) leaf.i64(size);
  };
  base::Encoder input;
  named(input, "start", {2, 3});
  base::Encoder weight;
  named(weight, "w", {3, 3});
  base::Encoder total;
  total.text("total");
  total.u32(3);
  total.u32(0);
  base::Encoder last;
  last.text("last");
  last.u32(2);
  last.u32(0);
  base::Encoder root;
  root.text("starling.program");
  root.u32(1);
  const auto list = [&](const std::vector<base::Hash>& leaves) {
    root.u32(static_cast<std::uint32_t>(leaves.size()));
    root.hash(base::merkle_root(leaves));
  };
  list({base::merkle_leaf(input.data())});
  list({base::merkle_leaf(weight.data())});
  list(literals);
  list(graphs);
  list(calls);
  list({base::merkle_leaf(total.data()), base::merkle_leaf(last.data())});
  EXPECT_EQ(base::sha256(root.data()), program.root());
}

TEST(Program, RunGivesItsOutputsAndTellsOfEveryCall) {
  const auto prepared = PreparedProgram::make(small_program());
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  Engine running = engine();
  std::vector<std::uint32_t> told;
  RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs) -> base::Status {
    told.push_back(call);
    EXPECT_EQ(outputs.size(), prepared->program().graphs()[prepared->program().calls()[call].graph].outputs().size());
    return {};
  };
  for (int again = 0; again < 2; ++again) {
    const auto outputs = prepared->run(running, start(), weights(), observer);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    ASSERT_EQ(outputs->size(), 2U);
    EXPECT_EQ(floats((*outputs)[1]), expected_last());
    float total = 0;
    for (const float x : expected_last()) total += x;
    EXPECT_EQ(floats((*outputs)[0]), std::vector<float>{total});
  }
  EXPECT_EQ(told, (std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1, 2, 3}));
}

// An observer may keep outputs: their memory is then not used again.
TEST(Program, KeptOutputsStayAsTheyWere) {
  const auto prepared = PreparedProgram::make(small_program());
  Engine running = engine();
  std::vector<std::vector<Tensor>> kept;
  std::vector<std::vector<float>> copies;
  RunObserver observer;
  observer.after_call = [&](std::uint32_t, const std::vector<Tensor>& outputs) -> base::Status {
    kept.push_back(outputs);
    copies.push_back(floats(outputs[0]));
    return {};
  };
  ASSERT_TRUE(prepared->run(running, start(), weights(), observer).ok());
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(floats(kept[i][0]), copies[i]) << i;
}

TEST(Program, AnErrorOfTheObserverEndsTheRun) {
  const auto prepared = PreparedProgram::make(small_program());
  Engine running = engine();
  int told = 0;
  RunObserver observer;
  observer.after_call = [&](std::uint32_t call, const std::vector<Tensor>&) -> base::Status {
    ++told;
    return call == 1 ? base::Status(base::cancelled("enough")) : base::Status();
  };
  const auto outputs = prepared->run(running, start(), weights(), observer);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().code, base::ErrorCode::kCancelled);
  EXPECT_EQ(told, 2);
}

TEST(Program, MarkedCallsRunFromWhatIsKeptOfTheOthers) {
  const auto prepared = PreparedProgram::make(small_program());
  Engine running = engine();
  std::vector<std::vector<Tensor>> kept;
  RunObserver keep;
  keep.after_call = [&](std::uint32_t, const std::vector<Tensor>& outputs) -> base::Status {
    kept.push_back(outputs);
    return {};
  };
  ASSERT_TRUE(prepared->run(running, start(), weights(), keep).ok());
  for (unsigned marks = 0; marks < 16; ++marks) {
    std::vector<bool> marked;
    std::set<std::uint32_t> needed;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t call = 0; call < 4; ++call) {
      marked.push_back((marks >> call & 1) != 0);
      if (marked[call]) expected.push_back(call);
      if (call > 0 && marked[call] && !marked[call - 1]) needed.insert(call - 1);
    }
    std::set<std::uint32_t> asked;
    std::vector<std::uint32_t> told;
    RunObserver compare;
    compare.after_call = [&](std::uint32_t call, const std::vector<Tensor>& outputs) -> base::Status {
      told.push_back(call);
      for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(floats(outputs[i]), floats(kept[call][i]));
      return {};
    };
    const auto missing = [&](const Binding& binding) -> base::Result<Tensor> {
      asked.insert(binding.index);
      return kept[binding.index][binding.output];
    };
    ASSERT_TRUE(prepared->run_calls(running, marked, start(), weights(), missing, compare).ok());
    EXPECT_EQ(told, expected);
    EXPECT_EQ(asked, needed);
  }
  EXPECT_FALSE(prepared->run_calls(running, {true}, start(), weights(), nullptr, {}).ok());
}

TEST(Program, WidensWeightsOfSixteenBits) {
  const auto prepared = PreparedProgram::make(small_program());
  Engine running = engine();
  for (const Type type : {Type::kBf16, Type::kF16}) {
    const auto narrow = weights()[0].rounded(type);
    ASSERT_TRUE(narrow.ok());
    const auto outputs = prepared->run(running, start(), {*narrow});
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    EXPECT_EQ(floats((*outputs)[1]), expected_last());
  }
}

// y of the step before, y and spare of this one: 3 tensors of 24 bytes at the most, and what the engine has.
TEST(Program, KnowsItsPeak) {
  const auto prepared = PreparedProgram::make(small_program());
  for (const int threads : {1, 3}) {
    EngineMemory memory(threads);
    for (const Graph& graph : prepared->program().graphs()) {
      const auto plan = Plan::make(graph);
      ASSERT_TRUE(plan.ok());
      memory.add(*plan);
    }
    EXPECT_EQ(prepared->peak_bytes(threads), 3 * 24 + memory.bytes());
  }
  EXPECT_EQ(prepared->file_bytes(), 0U);
}

TEST(Program, PlanningCanBeEnded) {
  int asked = 0;
  PlanningObserver stopping;
  stopping.stop = [&]() -> base::Status {
    return ++asked == 3 ? base::Status(base::cancelled("stop")) : base::Status();
  };
  const auto stopped = PreparedProgram::make(small_program(), stopping);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, base::ErrorCode::kCancelled);
  EXPECT_EQ(asked, 3);
  int planned = 0;
  PlanningObserver limiting;
  limiting.plan = [&](std::size_t) -> base::Status {
    return ++planned == 1 ? base::Status(base::limit_error("too large")) : base::Status();
  };
  const auto limited = PreparedProgram::make(small_program(), limiting);
  ASSERT_FALSE(limited.ok());
  EXPECT_EQ(limited.error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(planned, 1);
}

TEST(Program, RefusesInputsAndWeightsThatDoNotFit) {
  const auto prepared = PreparedProgram::make(small_program());
  Engine running = engine();
  const auto message = [&](const std::vector<Tensor>& inputs, const std::vector<Tensor>& given) {
    return prepared->run(running, inputs, given).error().message;
  };
  EXPECT_EQ(message({}, weights()), "the program takes 1 inputs, not 0");
  EXPECT_EQ(message(start(), {Tensor(Type::kF32, {3, 2})}), "weight 'w' takes f32 [3, 3], not f32 [3, 2]");
  EXPECT_EQ(message({Tensor(Type::kI32, {2, 3})}, weights()), "input 'start' takes f32 [2, 3], not i32 [2, 3]");
  EXPECT_EQ(message(start(), {Tensor()}), "weight 'w' takes f32 [3, 3], not an empty f32 []");
}

TEST(Program, ReportsTheFirstMistake) {
  const auto message = [](const std::function<void(ProgramBuilder&)>& build) {
    ProgramBuilder p;
    build(p);
    return p.finish().error().message;
  };
  EXPECT_EQ(message([](ProgramBuilder&) {}), "a program needs an output");
  EXPECT_EQ(message([](ProgramBuilder& p) { p.call(0, {}); }), "call 0: there is no graph 0");
  EXPECT_EQ(message([](ProgramBuilder& p) {
              p.call(p.graph(sum_graph()), {{"y", {}}});
            }),
            "call 0: the graph has no input 'y', or it is bound twice");
  EXPECT_EQ(message([](ProgramBuilder& p) {
              const Binding y = p.input("y", Type::kF32, {3, 2});
              p.call(p.graph(sum_graph()), {{"x", y}});
            }),
            "call 0: input 'x' takes f32 [2, 3], not f32 [3, 2]");
  EXPECT_EQ(message([](ProgramBuilder& p) {
              // Its own output is not there yet.
              p.call(p.graph(sum_graph()), {{"x", {Binding::Kind::kOutput, 0, 0}}});
            }),
            "call 0: input 'x' is bound to something that is not there");
  EXPECT_EQ(message([](ProgramBuilder& p) {
              p.weight("w", Type::kF32, {2});
              p.weight("w", Type::kF32, {3});
            }),
            "weight 'w' is used as f32 [2] and as f32 [3]");
  EXPECT_EQ(message([](ProgramBuilder& p) {
              p.input("x", Type::kF32, {2});
              p.input("x", Type::kF32, {2});
            }),
            "input 'x' is there already");
  EXPECT_EQ(message([](ProgramBuilder& p) { p.input("x", Type::kF32, {0}); }),
            "input 'x' has the impossible shape [0]");
  EXPECT_EQ(message([](ProgramBuilder& p) { p.literal(Tensor(Type::kF32, {16385})); }),
            "a literal of shape [16385]: 1 to 65536 bytes are allowed; make it an input");
  EXPECT_EQ(message([](ProgramBuilder& p) { p.result(p.call(p.graph(sum_graph()), {}), "y"); }),
            "call 0 has no output 'y'");
  EXPECT_EQ(message([](ProgramBuilder& p) { p.output("y", p.input("x", Type::kF32, {2})); }),
            "output 'y' is not the output of a call");
}

}  // namespace
}  // namespace starling::exact
