#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "cli/command.h"

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
  const base::Json& bench = **json->object("operators");
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
}

// A peer that is not there is a row that says so, without a number.
TEST(CommandLine, PeersThatAreMissingAreNamed) {
  ASSERT_EQ(::setenv("STARLING_PEERS_PYTHON", "no-such-python", 1), 0);
  testing::internal::CaptureStdout();
  const int code = run({"bench", "peers", "--only", "product", "--threads", "1", "--rounds", "1", "--json"});
  const auto json = base::Json::parse(testing::internal::GetCapturedStdout(), "what bench prints");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run({"bench", "peers", "--only", "product", "--threads", "1", "--rounds", "1"}), kFine);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_EQ(run({"bench", "peers", "--only", "no such thing"}), kFailed);
  ::unsetenv("STARLING_PEERS_PYTHON");
  ASSERT_EQ(code, kFine);
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::vector<base::Json>& rows = (*json->array("peers"))->elements();
  ASSERT_EQ(rows.size(), 3U) << "two scripts that did not run (the third has no products), and the other arithmetic";
  for (const base::Json& row : rows) {
    EXPECT_EQ(*row.text("name"), "product");
    EXPECT_TRUE(row.find("ratio")->is_null());
    EXPECT_FALSE(row.find("missing")->is_null());
    EXPECT_FALSE(row.find("seconds")->is_null());
  }
  EXPECT_NE(rows[0].text("missing")->find("no-such-python is not there: install it"), std::string::npos);
  EXPECT_EQ(*rows[1].text("peer"), "PyTorch");
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
