#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"

namespace starling::base {
namespace {

constexpr std::size_t kMaxLine = std::size_t{64} << 10;
constexpr int kNotStarted = 127;
using Clock = std::chrono::steady_clock;

void close_file(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

// After fork: only calls that are safe there.
[[noreturn]] void become(const std::vector<char*>& arguments, int input, int output, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotStarted);
  ::setpgid(0, 0);  // a Ctrl-C in the terminal is for the starter, which ends its children in order
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input >= 0 ? input : ::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (log >= 0) ::dup2(log, STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(kNotStarted);
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments, const Options& options) {
  int log = -1;
  if (!options.log.empty()) {
    log = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return system_error("write", options.log, errno);
  }
  std::array<int, 2> pipe{-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    const Error error = system_error("start", arguments.front(), errno);
    close_file(log);
    return error;
  }
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  const int number = errno;
  if (child == 0) become(words, options.input, options.output >= 0 ? options.output : pipe[1], log, parent);
  close_file(log);
  close_file(pipe[1]);
  if (child < 0) {
    close_file(pipe[0]);
    return system_error("start", arguments.front(), number);
  }
  return ChildProcess(child, pipe[0]);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      output_(std::exchange(other.output_, -1)),
      buffered_(std::move(other.buffered_)),
      exit_code_(other.exit_code_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  discard();
  id_ = std::exchange(other.id_, -1);
  output_ = std::exchange(other.output_, -1);
  buffered_ = std::move(other.buffered_);
  exit_code_ = other.exit_code_;
  return *this;
}

ChildProcess::~ChildProcess() { discard(); }

void ChildProcess::discard() {
  if (id_ >= 0 && !exit_code().has_value()) {
    ::kill(id_, SIGKILL);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  close_file(output_);
}

Result<std::string> ChildProcess::read_line(std::chrono::milliseconds timeout) {
  const Clock::time_point end = Clock::now() + timeout;
  for (;;) {
    if (const std::size_t at = buffered_.find('\n'); at != std::string::npos) {
      std::string line = buffered_.substr(0, at);
      buffered_.erase(0, at + 1);
      return line;
    }
    if (buffered_.size() > kMaxLine) return limit_error("a line of a child's output is longer than 64 KiB");
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return limit_error("a child process said nothing in time");
    pollfd ready{output_, POLLIN, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno != EINTR) return io_error("a child's output cannot be read");
    if (count <= 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t length = ::read(output_, bytes.data(), bytes.size());
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length <= 0) return io_error("a child process ended its output");
    buffered_.append(bytes.data(), static_cast<std::size_t>(length));
  }
}

std::optional<int> ChildProcess::exit_code() {
  if (exit_code_.has_value() || id_ < 0) return exit_code_;
  int status = 0;
  const pid_t ended = ::waitpid(id_, &status, WNOHANG);
  if (ended == id_) exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

void ChildProcess::ask_to_stop() const {
  if (id_ >= 0 && !exit_code_.has_value()) ::kill(id_, SIGTERM);
}

int ChildProcess::wait(std::chrono::milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  constexpr std::chrono::milliseconds kPause{5};
  while (!exit_code().has_value()) {
    if (Clock::now() >= end) ::kill(id_, SIGKILL);
    std::this_thread::sleep_for(kPause);
  }
  return *exit_code_;
}

Result<std::filesystem::path> own_program() {
  std::error_code error;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return io_error("this program's own file cannot be found: /proc/self/exe cannot be read");
  return program;
}

}  // namespace starling::base
