// A whole network on one machine that cannot be as it is asked for: why, in one sentence.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/process.h"
#include "cli/command.h"
#include "program.h"

namespace starling::cli {
namespace {

class DevnetTest : public ProgramTest {
 protected:
  std::vector<std::string> devnet(const std::string& home, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"devnet", "--home", at(home).string(), "--model", model().string(), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // In a process of its own, since the nodes run the program that starts them.
  void refused(const std::string& home, const std::vector<std::string>& more, const std::string& words) {
    const Ran ran = wait(start(devnet(home, more)));
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_NE(ran.err.find(words), std::string::npos) << ran.err;
    EXPECT_NE((*ran.json().object("error"))->text("message")->find(words), std::string::npos) << ran.out;
  }
};

TEST_F(DevnetTest, WhatANodeSaysOfItsFailureIsPassedOn) {
  std::vector<std::string> first = devnet("first", {"--providers", "0"});
  first.insert(first.begin(), STARLING_PROGRAM);
  auto started = base::ChildProcess::start(first, {.log = at("log")});
  ASSERT_TRUE(started.ok()) << started.error().message;
  const auto line = started->read_line(std::chrono::seconds(60));
  ASSERT_TRUE(line.ok());
  const std::string url = *base::Json::parse(*line, "the devnet")->text("url");
  const std::string port = url.substr(url.rfind(':') + 1);
  refused("second", {"--providers", "0", "--port", port}, "the devnet's validator did not start: ");
  refused("second", {"--providers", "0", "--port", port}, "port " + port);
  started->ask_to_stop();
  EXPECT_EQ(started->wait(std::chrono::seconds(20)), kFine);

  // It was kept, for as many providers and for the account that it was made for.
  refused("first", {"--providers", "3"}, "--providers 0");
  const std::string own = std::getenv("STARLING_HOME");
  ::setenv("STARLING_HOME", at("stranger").c_str(), 1);
  refused("first", {"--providers", "0"}, "STARLING_HOME");
  ::setenv("STARLING_HOME", own.c_str(), 1);
}

}  // namespace
}  // namespace starling::cli
