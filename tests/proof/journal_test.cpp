#include "proof/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "proof/commitment.h"

namespace starling::proof {
namespace {

using exact::Tensor;
using exact::Type;

// Four calls of one graph with two outputs, of which the first is kept.
constexpr std::uint32_t kCalls = 4;
exact::Program chain() {
  exact::Builder b;
  const auto x = b.input("x", Type::kF32, {3});
  b.output("doubled", b.add(x, x));
  b.output("squared", b.mul(x, x));
  exact::ProgramBuilder p;
  const std::uint32_t graph = p.graph(*b.finish());
  exact::Binding at = p.input("x", Type::kF32, {3});
  for (std::uint32_t call = 0; call < kCalls; ++call) at = p.result(p.call(graph, {{"x", at}}), "doubled");
  p.output("last", at);
  return *p.finish();
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    path_ = std::filesystem::temp_directory_path() / ("starling-journal-" + std::to_string(::getpid()));
    std::filesystem::remove(path_);
  }
  ~JournalTest() override { std::filesystem::remove(path_); }

  static std::vector<Tensor> outputs_of(std::uint32_t call) {
    const float number = static_cast<float>(call) + 0.5F;
    const float values[3] = {number, -number, 2 * number};
    return {Tensor::from_f32({3}, values), Tensor::from_f32({3}, values)};
  }
  base::Result<Journal> open(std::uint8_t run = 1) const {
    base::Hash name;
    name.bytes[0] = run;
    return Journal::open(path_, program_, name);
  }
  static void add(Journal& journal, std::uint32_t call) {
    const std::vector<Tensor> outputs = outputs_of(call);
    ASSERT_TRUE(journal.add(output_roots(outputs), outputs, {true, false}).ok());
  }
  void expect_calls(const Journal& journal, std::uint32_t calls) const {
    ASSERT_EQ(journal.calls(), calls);
    for (std::uint32_t call = 0; call < calls; ++call) {
      EXPECT_EQ(journal.roots(call), output_roots(outputs_of(call)));
      EXPECT_TRUE(journal.has(call, 0));
      EXPECT_FALSE(journal.has(call, 1));
      const auto kept = journal.read(call, 0);
      ASSERT_TRUE(kept.ok()) << kept.error().message;
      EXPECT_EQ(tensor_root(*kept), tensor_root(outputs_of(call)[0]));
    }
    EXPECT_FALSE(journal.has(calls, 0));
  }
  base::Bytes whole_file() {
    auto journal = open();
    for (std::uint32_t call = 0; call < kCalls; ++call) add(*journal, call);
    return *base::read_file(path_, 1 << 20);
  }

  exact::Program program_ = chain();
  std::filesystem::path path_;
};

constexpr std::size_t kBegin = 18 + 32;
constexpr std::size_t kCallBytes = 33 + 12 + 33 + 32;

TEST_F(JournalTest, GoesOnWhereItEnded) {
  for (std::uint32_t call = 0; call < kCalls; ++call) {
    auto journal = open();
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    expect_calls(*journal, call);
    add(*journal, call);
    expect_calls(*journal, call + 1);
  }
  EXPECT_EQ(std::filesystem::file_size(path_), kBegin + kCalls * kCallBytes);
}

TEST_F(JournalTest, AnotherRunBeginsAnew) {
  whole_file();
  auto other = open(2);
  ASSERT_TRUE(other.ok());
  expect_calls(*other, 0);
  EXPECT_EQ(std::filesystem::file_size(path_), kBegin);
}

TEST_F(JournalTest, ACutLosesOnlyWhatIsNotWhole) {
  const base::Bytes whole = whole_file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(base::write_file(path_, {whole.data(), size}).ok());
    auto journal = open();
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    const std::size_t calls = size < kBegin ? 0 : (size - kBegin) / kCallBytes;
    expect_calls(*journal, static_cast<std::uint32_t>(calls));
    for (std::uint32_t call = journal->calls(); call < kCalls; ++call) add(*journal, call);
    EXPECT_EQ(*base::read_file(path_, 1 << 20), whole) << size;
  }
}

TEST_F(JournalTest, AChangedByteLosesThatCallAndThoseAfter) {
  const base::Bytes whole = whole_file();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    base::Bytes changed = whole;
    changed[at] ^= 0x01;
    ASSERT_TRUE(base::write_file(path_, changed).ok());
    auto journal = open();
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    expect_calls(*journal, static_cast<std::uint32_t>(at < kBegin ? 0 : (at - kBegin) / kCallBytes));
  }
}

TEST_F(JournalTest, BytesAfterTheLastCallAreCutOff) {
  base::Bytes longer = whole_file();
  const std::size_t size = longer.size();
  longer.push_back(0);
  ASSERT_TRUE(base::write_file(path_, longer).ok());
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  expect_calls(*journal, kCalls);
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

TEST_F(JournalTest, WhatChangesMeanwhileIsNotBelieved) {
  base::Bytes bytes = whole_file();
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  std::filesystem::resize_file(path_, kBegin + 40);
  const auto cut = journal->read(0, 0);
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, base::ErrorCode::kCorrupt);
}

TEST_F(JournalTest, SomethingElseIsRefused) {
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(open().ok());
}

}  // namespace
}  // namespace starling::proof
