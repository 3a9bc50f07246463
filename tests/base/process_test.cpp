#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/file.h"

namespace starling::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Result<ChildProcess> shell(const std::string& script, const std::filesystem::path& log = {}) {
  return ChildProcess::start({"/bin/sh", "-c", script}, {.log = log});
}

TEST(ChildProcess, SaysWhatItPrintsAndHowItEnded) {
  auto child = shell("echo one; echo two three; exit 7");
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(*child->read_line(seconds(10)), "one");
  EXPECT_EQ(*child->read_line(seconds(10)), "two three");
  EXPECT_EQ(child->read_line(seconds(10)).error().code, ErrorCode::kIo);
  EXPECT_EQ(child->wait(seconds(10)), 7);
}

TEST(ChildProcess, ASilentOneDoesNotHoldTheReader) {
  auto child = shell("exec sleep 30");
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->read_line(milliseconds(20)).error().code, ErrorCode::kLimit);
  EXPECT_FALSE(child->exit_code().has_value());
  child->ask_to_stop();
  EXPECT_EQ(child->wait(seconds(10)), 128 + SIGTERM);
}

TEST(ChildProcess, IsKilledWhenItDoesNotStop) {
  auto child = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(child.ok());
  ASSERT_EQ(*child->read_line(seconds(10)), "ready");
  child->ask_to_stop();
  EXPECT_EQ(child->wait(milliseconds(50)), 128 + SIGKILL);
}

TEST(ChildProcess, EndsWithItsStarter) {
  // The starter prints the child's number and ends without a word to it.
  const pid_t starter = ::fork();
  if (starter == 0) {
    auto child = shell("exec sleep 30");
    std::ofstream(std::filesystem::temp_directory_path() / ("child-of-" + std::to_string(::getpid()))) << child->id();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(starter, &status, 0), starter);
  const auto note = std::filesystem::temp_directory_path() / ("child-of-" + std::to_string(starter));
  int child = 0;
  std::ifstream(note) >> child;
  std::filesystem::remove(note);
  ASSERT_GT(child, 0);
  // Whoever adopted it reaps it in its own time; a dead one runs no program.
  const auto gone = [child] {
    std::ifstream file("/proc/" + std::to_string(child) + "/cmdline");
    std::string words;
    return !std::getline(file, words) || words.empty();
  };
  for (int i = 0; i < 500 && !gone(); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(gone());
}

TEST(ChildProcess, AProgramThatIsNotThereIsAnExitCode) {
  auto child = ChildProcess::start({"/nowhere/program"}, {});
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->wait(seconds(10)), 127);
}

TEST(ChildProcess, WritesItsErrorsToTheLog) {
  const auto log = std::filesystem::temp_directory_path() / ("process-test-" + std::to_string(::getpid()));
  auto child = shell("echo trouble >&2", log);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->wait(seconds(10)), 0);
  EXPECT_EQ(*read_text_file(log, 100), "trouble\n");
  std::filesystem::remove(log);
}

}  // namespace
}  // namespace starling::base
