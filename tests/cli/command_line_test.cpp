#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "base/json.h"
#include "base/process.h"
#include "cli/command.h"
#include "exact/kernels.h"

namespace starling::cli {
namespace {

int run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "starling");
  return run_program(arguments);
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    std::vector<std::string> words;
    std::string word;
    for (const char c : std::string(command.name) + " ") {
      if (c != ' ') {
        word += c;
      } else {
        words.push_back(std::exchange(word, {}));
      }
    }
    words.emplace_back("--help");
    testing::internal::CaptureStdout();
    EXPECT_EQ(run(words), kFine);
    const std::string help = testing::internal::GetCapturedStdout();
    EXPECT_NE(help.find("Examples:\n  starling " + std::string(command.name)), std::string::npos) << help;
  }
}

TEST(CommandLine, MistakesExitWithOne) {
  EXPECT_EQ(run({}), kFailed);
  EXPECT_EQ(run({"no-such-command"}), kFailed);
  EXPECT_EQ(run({"version", "--no-such-option"}), kFailed);
  EXPECT_EQ(run({"version", "extra"}), kFailed);
}

TEST(CommandLine, WhatIsGivenTwiceIsNamed) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"train", "vae", "-o", "x", "--steps", "30", "--steps", "31"}), kFailed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "starling: --steps is given 2 times; give it once\n");
}

TEST(CommandLine, OperatorsAreMeasuredBesideTheirLimits) {
  testing::internal::CaptureStdout();
  ASSERT_EQ(run({"bench", "ops", "--only", "160x80", "--threads", "1", "--json"}), kFine);
  const auto json = base::Json::parse(testing::internal::GetCapturedStdout(), "what bench prints");
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& benches = (*json->array("operators"))->elements();
  ASSERT_EQ(benches.size(), 1U) << "one for each count of threads";
  const base::Json& bench = benches[0];
  EXPECT_GT(*(**bench.object("peaks")).number("bytes_per_second"), 0.0);
  const std::vector<base::Json>& rows = (*bench.array("operators"))->elements();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(*rows[0].text("name"), "softmax");
  EXPECT_EQ(*rows[0].number("bytes"), 2 * 160 * 80 * 4);
  EXPECT_EQ(*rows[0].number("f32_operations"), 0);  // of products
  // max, subtraction, exp and sum
  EXPECT_EQ(*rows[0].number("mixed_operations"), (1 + 1 + 15 + 1) * 160 * 80);
  EXPECT_EQ(*rows[0].number("divisions"), 160 * 80);
  EXPECT_GT(*rows[0].number("share"), 0.0);
  for (const char* count : {"bytes", "f32_operations", "integer_operations", "mixed_operations", "divisions"}) {
    EXPECT_TRUE(rows[0].find(count)->as_u64().ok()) << count << " " << rows[0].find(count)->to_text();
    EXPECT_EQ(rows[0].find(count)->to_text().find('.'), std::string::npos) << count;
  }
  // A forced backend is set beside its own instructions.
  ASSERT_EQ(::setenv("STARLING_BACKEND", "generic", 1), 0);
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"bench", "ops", "--only", "160x80", "--threads", "1", "--json"}), kFine);
  const std::string forced = testing::internal::GetCapturedStdout();
  ::unsetenv("STARLING_BACKEND");
  EXPECT_NE(forced.find("\"f32_instructions\":\"generic\""), std::string::npos) << forced;
  EXPECT_NE(forced.find("\"integer_instructions\":\"generic\""), std::string::npos) << forced;
  EXPECT_EQ(run({"bench", "ops", "--only", "no such operator"}), kFailed);
  EXPECT_EQ(run({"bench", "products", "--only", "softmax"}), kFailed);
  EXPECT_EQ(run({"bench", "training", "--only", "softmax"}), kFailed);
}

TEST(CommandLine, ConvolutionsAreMeasuredInBothArithmetics) {
  testing::internal::CaptureStdout();
  ASSERT_EQ(run({"bench", "ops", "--only", "1x32x32x384", "--threads", "1", "--json"}), kFine);
  const auto json = base::Json::parse(testing::internal::GetCapturedStdout(), "what bench prints");
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& rows = (*(*json->array("operators"))->elements()[0].array("operators"))->elements();
  ASSERT_EQ(rows.size(), 2U);
  constexpr double kOperations = 2.0 * 1024 * 384 * 384 * 27;
  EXPECT_EQ(*rows[0].text("name"), "convolution");
  EXPECT_EQ(*rows[0].number("f32_operations"), kOperations);
  EXPECT_EQ(*rows[1].text("name"), "convolution, integers");
  EXPECT_EQ(*rows[1].number("integer_operations"), kOperations);
}

TEST(CommandLine, ProductsAreMeasuredBesideLibrariesAndThePeak) {
  testing::internal::CaptureStdout();
  const std::string kind = exact::available_integer_dots().front()->name;
  ASSERT_EQ(run({"bench", "products", "--arithmetic", kind, "--only", "1024 x 1536 x 1536", "--threads", "1",
                 "--rounds", "1", "--json"}),
            kFine);
  const auto json = base::Json::parse(testing::internal::GetCapturedStdout(), "what bench prints");
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& rows = (*json->array("peers"))->elements();
  ASSERT_GE(rows.size(), 1U);
  EXPECT_EQ(*rows[0].text("arithmetic"), "w8a8 " + kind);
  EXPECT_GT(*rows[0].number("seconds"), 0.0);
  EXPECT_GT(*rows[0].number("limit_seconds"), 0.0);
  // oneDNN's time, or what to install; and the mean of what has a time.
  const bool there = rows[0].has("peer_seconds");
  EXPECT_NE(there, rows[0].has("missing"));
  EXPECT_EQ(rows.size(), there ? 2U : 1U);
  EXPECT_EQ(run({"bench", "products", "--arithmetic", "abacus", "--threads", "1"}), kFailed);
  EXPECT_EQ(run({"bench", "ops", "--arithmetic", "f32"}), kFailed);
}

// Each arithmetic in a process of its own, whose rows come back.
TEST(CommandLine, ProductsAreMeasuredInProcessesOfTheirOwn) {
  const auto last_line = [](const std::string& shape) {
    auto child = base::ChildProcess::start(
        {STARLING_PROGRAM, "bench", "products", "--only", shape, "--threads", "1", "--rounds", "1", "--json"},
        {.log = "/dev/null"});
    std::string last;
    for (auto line = child->read_line(std::chrono::minutes(5)); line.ok();
         line = child->read_line(std::chrono::minutes(5))) {
      last = *line;
    }
    return last;
  };
  const auto json = base::Json::parse(last_line("1024 x 1536 x 1536, f32, 1 thread"), "what bench prints");
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& rows = (*json->array("peers"))->elements();
  ASSERT_GE(rows.size(), 2U) << "OpenBLAS and oneDNN, or what to install";
  EXPECT_EQ(*rows[0].text("arithmetic"), "f32");
  EXPECT_TRUE((*rows[0].text("peer")).starts_with("OpenBLAS"));
  EXPECT_TRUE((*rows[1].text("peer")).starts_with("oneDNN"));
  EXPECT_EQ(*rows[0].number("seconds"), *rows[1].number("seconds"));
  // On the way back nothing is lost.
  for (const base::Json& row : rows) {
    EXPECT_GT(*row.number("limit_seconds"), 0.0);
    EXPECT_NE(row.has("peer_seconds"), row.has("missing"));
    EXPECT_EQ(row.has("ratio"), row.has("peer_seconds"));
  }
}

// The definitions have no kernels that could be measured.
TEST(CommandLine, ProductsNeedABackendOfThisCpu) {
  for (const char* backend : {"reference", "cuda-emulated"}) {
    ASSERT_EQ(::setenv("STARLING_BACKEND", backend, 1), 0);
    testing::internal::CaptureStderr();
    EXPECT_EQ(run({"bench", "products", "--threads", "1"}), kFailed);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find(std::string("STARLING_BACKEND=") + backend + " has none; unset it"), std::string::npos) << said;
  }
  ::unsetenv("STARLING_BACKEND");
}

// A peer that is not there is a row that says so, without a number.
TEST(CommandLine, PeersThatAreMissingAreNamed) {
  ASSERT_EQ(::setenv("STARLING_PEERS_PYTHON", "no-such-python", 1), 0);
  const char* attention = "attention 4096 tokens, 12 x 128, w8a8, 1 thread";
  testing::internal::CaptureStdout();
  const int code = run({"bench", "peers", "--only", attention, "--threads", "1", "--rounds", "1", "--json"});
  const auto json = base::Json::parse(testing::internal::GetCapturedStdout(), "what bench prints");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"bench", "peers", "--only", attention, "--threads", "1", "--rounds", "1"}), kFine);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_EQ(run({"bench", "peers", "--only", "no such thing"}), kFailed);
  ::unsetenv("STARLING_PEERS_PYTHON");
  ASSERT_EQ(code, kFine);
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& rows = (*json->array("peers"))->elements();
  ASSERT_EQ(rows.size(), 1U) << "one script measures attention, and it did not run";
  EXPECT_EQ(*rows[0].text("name"), "attention");
  EXPECT_EQ(*rows[0].text("peer"), "PyTorch");
  EXPECT_EQ(*rows[0].integer("threads"), 1);
  EXPECT_GT(*rows[0].number("seconds"), 0.0);
  EXPECT_FALSE(rows[0].has("ratio"));
  EXPECT_NE(rows[0].text("missing")->find("no-such-python is not there: install it"), std::string::npos);
  EXPECT_EQ(table.find("times as fast"), std::string::npos) << table;
  EXPECT_NE(table.find("PyTorch: no-such-python is not there"), std::string::npos) << table;
}

TEST(CommandLine, VersionPrints) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"--version"}), kFine);
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("starling "));
}

}  // namespace
}  // namespace starling::cli
