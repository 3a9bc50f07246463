#include "child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace starling::store {
namespace {

constexpr int kReportDescriptor = 100;
constexpr const char* kFolderVariable = "STARLING_TEST_FOLDER";

}  // namespace

Child::Child(const std::string& name, const std::string& folder) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const std::string filter = "--gtest_filter=*.DISABLED_" + name;
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(ends[1], kReportDescriptor);
    ::setenv(kFolderVariable, folder.c_str(), 1);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::execl("/proc/self/exe", "store_test", filter.c_str(), "--gtest_also_run_disabled_tests", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

Child::~Child() {
  if (process_ > 0) {
    kill();
    wait();
  }
  ::close(pipe_);
}

void Child::kill() { ::kill(process_, SIGKILL); }

int Child::wait() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

std::optional<std::uint64_t> Child::next_report() {
  std::uint64_t number = 0;
  if (::read(pipe_, &number, sizeof(number)) != static_cast<ssize_t>(sizeof(number))) return std::nullopt;
  return number;
}

std::vector<std::uint64_t> Child::reports() {
  std::vector<std::uint64_t> numbers;
  while (const auto number = next_report()) numbers.push_back(*number);
  return numbers;
}

std::string Child::folder() {
  const char* folder = std::getenv(kFolderVariable);
  if (folder == nullptr) std::abort();
  return folder;
}

void Child::report(std::uint64_t number) {
  if (::write(kReportDescriptor, &number, sizeof(number)) != static_cast<ssize_t>(sizeof(number))) std::abort();
}

}  // namespace starling::store
