// What a program takes while it runs: the plan against the process, and values that wait in a file.
#include "base/memory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "exact/call_schedule.h"
#include "exact/program.h"
#include "exact/run_memory.h"
#include "exact/spare_tensors.h"

namespace starling::exact {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

Graph grown(std::int64_t rows) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {rows, 256});
  b.output("y", b.mul(b.add(x, 1.0F), 0.5F));
  return *b.finish();
}

Graph mixed(std::int64_t rows) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {rows, 256});
  b.output("y", b.add(x, b.input("other", Type::kF32, {rows, 256})));
  return *b.finish();
}

// Calls 0 to count − 1 each make `rows` KiB of what the one before made; then the others come back, first things first.
Program waiting_program(std::uint32_t count, std::int64_t rows) {
  ProgramBuilder p;
  const std::uint32_t grow = p.graph(grown(rows));
  const std::uint32_t mix = p.graph(mixed(rows));
  std::vector<Binding> made{p.input("start", Type::kF32, {rows, 256})};
  for (std::uint32_t i = 0; i < count; ++i) made.push_back(p.result(p.call(grow, {{"x", made.back()}}), "y"));
  Binding all = made.back();
  for (std::uint32_t i = 1; i < count; ++i) all = p.result(p.call(mix, {{"x", all}, {"other", made[i]}}), "y");
  p.output("all", all);
  return *p.finish();
}

Tensor numbers(const Shape& shape) {
  Tensor tensor(Type::kF32, shape);
  for (std::size_t i = 0; i < tensor.f32().size(); ++i) tensor.f32()[i] = static_cast<float>(i % 251) * 0.001F;
  return tensor;
}

// Products of both kinds and attention, whose threads have much of their own.
Program working_program() {
  constexpr std::int64_t kTokens = 3000;
  ProgramBuilder p;
  Builder b;
  const auto x = b.input("x", Type::kF32, {1, kTokens, 256});
  const auto w = b.input("w", Type::kF32, {256, 256});
  const auto q = b.dot(b.reshape(x, {kTokens, 256}), w);
  const auto heads = b.reshape(q, {1, kTokens, 256});
  const auto shares = b.softmax(b.dot(heads, heads));
  const auto mixed_in = b.add(x, b.dot(shares, b.transpose(x)));
  const auto rows = b.quantize_rows(b.reshape(mixed_in, {kTokens, 256}));
  const auto columns = b.quantize_rows(w);
  const auto y = b.quantised_linear(rows, columns.values, b.reshape(columns.scale, {256}), b.fill(0.0F, {256}));
  b.output("y", b.reshape(y, {1, kTokens, 256}));
  const std::uint32_t graph = p.graph(*b.finish());
  Binding all = p.input("start", Type::kF32, {1, kTokens, 256});
  for (int i = 0; i < 3; ++i) all = p.result(p.call(graph, {{"x", all}}), "y");
  p.output("all", all);
  return *p.finish();
}

TEST(CallMemory, OutputsThatWaitLongGoToAFile) {
  const Program program = waiting_program(12, 8192);  // of 8 MiB each
  const std::vector<AfterCall> schedule = schedule_calls(program, std::vector<bool>(program.calls().size(), true));
  std::size_t away = 0;
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    away += schedule[i].put_away.size();
    for (const CallOutput value : schedule[i].put_away)
      EXPECT_EQ(value.call, i - 1) << "once the next call has read it";
  }
  EXPECT_EQ(away, 11U - 4U) << "four wait in memory";
  const auto prepared = PreparedProgram::make(program);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->file_bytes(), 7U * 8 * kMiB);
  EXPECT_EQ(PreparedProgram::make(waiting_program(24, 8192))->peak_bytes(1), prepared->peak_bytes(1))
      << "however many wait";
}

TEST(CallMemory, WhatWaitedComesBackBitForBit) {
  const std::vector<Tensor> inputs{numbers({8192, 256})};
  const Program program = waiting_program(12, 8192);
  const auto prepared = PreparedProgram::make(program);
  Engine engine = *Engine::create({"", 1});
  std::vector<Tensor> made;  // by call, kept here
  RunObserver observer;
  observer.after_call = [&](std::uint32_t, const std::vector<Tensor>& outputs) -> base::Status {
    made.push_back(outputs[0]);
    return {};
  };
  const auto outputs = prepared->run(engine, inputs, {}, observer);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  std::vector<float> sum(made[11].f32().begin(), made[11].f32().end());
  for (std::size_t i = 0; i < 11; ++i) {
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += made[i].f32()[j];
  }
  EXPECT_TRUE(std::ranges::equal(sum, (*outputs)[0].f32()));
}

TEST(CallMemory, WhatIsReadOftenStaysInMemoryUntilItWaitsAgain) {
  constexpr std::int64_t kRows = 40960;  // 40 MiB: more than may wait in memory
  ProgramBuilder p;
  const std::uint32_t grow = p.graph(grown(kRows));
  const std::uint32_t mix = p.graph(mixed(kRows));
  const Binding first = p.result(p.call(grow, {{"x", p.input("start", Type::kF32, {kRows, 256})}}), "y");
  Binding other = p.input("other", Type::kF32, {kRows, 256});
  for (int i = 0; i < 2; ++i) other = p.result(p.call(grow, {{"x", other}}), "y");
  for (int i = 0; i < 2; ++i) other = p.result(p.call(mix, {{"x", other}, {"other", first}}), "y");
  for (int i = 0; i < 2; ++i) other = p.result(p.call(grow, {{"x", other}}), "y");
  p.output("y", p.result(p.call(mix, {{"x", other}, {"other", first}}), "y"));
  const auto schedule = schedule_calls(*p.finish(), std::vector<bool>(8, true));
  std::vector<std::size_t> away;
  for (const AfterCall& after : schedule) away.push_back(after.put_away.size());
  EXPECT_EQ(away, (std::vector<std::size_t>{1, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(schedule[7].dropped.size(), 3U) << "both operands, and what no call reads";
}

TEST(CallMemory, MemoryOfDeadOutputsIsTakenAgain) {
  const Graph wanted = grown(4096);  // of 4 MiB
  const Shape shape{4096, 256};
  SpareTensors spare;
  Tensor first(Type::kF32, shape);
  Tensor second(Type::kF32, shape);
  const float* const place = second.f32().data();
  Tensor seen(Type::kF32, shape);
  const Tensor viewer = seen;
  spare.keep(std::move(seen));  // somebody else looks at it
  spare.keep(Tensor());
  spare.keep(Tensor(Type::kF32, {256, 256}));  // small
  spare.keep(Tensor(Type::kI32, shape));
  EXPECT_TRUE(spare.take(wanted)[0].empty());
  spare.keep(std::move(first));
  spare.keep(std::move(second));
  spare.shrink(4 * kMiB);  // the oldest go
  std::vector<Tensor> taken = spare.take(wanted);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].f32().data(), place);
  EXPECT_TRUE(spare.take(wanted)[0].empty()) << "each but once";
  spare.keep(std::move(taken[0]));
  spare.shrink(0);
  EXPECT_TRUE(spare.take(wanted)[0].empty());
}

TEST(CallMemory, NoRoomForTheFileIsSaid) {
  const Program program = waiting_program(12, 8192);
  const auto prepared = PreparedProgram::make(program);
  Engine engine = *Engine::create({"", 1});
  ::setenv("TMPDIR", "/nowhere", 1);
  const auto outputs = prepared->run(engine, {numbers({8192, 256})}, {});
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(outputs.ok());
  EXPECT_NE(outputs.error().message.find("/nowhere"), std::string::npos) << outputs.error().message;
}

// What a run in a process of its own adds to the most that was resident before it, in bytes.
std::uint64_t added_by(const PreparedProgram& prepared, int threads) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::uint64_t added = 0;
    {
      const GraphInput& start = prepared.program().inputs()[0];
      const std::vector<Tensor> inputs{numbers(start.shape)};
      std::vector<Tensor> weights;
      for (const GraphInput& weight : prepared.program().weights()) weights.push_back(numbers(weight.shape));
      Engine engine = *Engine::create({"", threads});
      const std::uint64_t before = base::peak_memory_bytes();
      if (prepared.run(engine, inputs, weights).ok()) added = base::peak_memory_bytes() - before;
    }
    const bool told = ::write(ends[1], &added, sizeof added) == sizeof added;
    ::_exit(told ? 0 : 1);
  }
  std::uint64_t added = 0;
  EXPECT_EQ(::read(ends[0], &added, sizeof added), static_cast<ssize_t>(sizeof added));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return added;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnAllocator = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kOwnAllocator = true;
#else
constexpr bool kOwnAllocator = false;
#endif
#else
constexpr bool kOwnAllocator = false;
#endif

TEST(CallMemory, ARunKeepsToItsPlan) {
  if (kOwnAllocator) GTEST_SKIP() << "sanitizers take memory of their own";
  for (const Program& program : {waiting_program(16, 16384), working_program()}) {
    const auto prepared = PreparedProgram::make(program);
    ASSERT_TRUE(prepared.ok());
    for (const int threads : {1, 3}) {
      const std::uint64_t added = added_by(*prepared, threads);
      EXPECT_LE(added, prepared->peak_bytes(threads)) << threads;
      EXPECT_GE(added, prepared->peak_bytes(threads) / 2) << "or the plan says nothing";
    }
  }
}

}  // namespace
}  // namespace starling::exact
