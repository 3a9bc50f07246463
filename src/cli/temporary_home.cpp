#include "cli/temporary_home.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "base/file.h"
#include "base/random.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

// After fork: only calls that are safe there. All signals are blocked, and a Ctrl-C is for the session that it left.
[[noreturn]] void keep(int alive, const char* path) {
  ::setsid();
  // Whatever else is open belongs to the others: a pipe that somebody waits on, a lock.
  constexpr int kFiles = 4096;
  if (::dup2(alive, 0) != 0) ::_exit(1);
  if (::close_range(1, ~0U, 0) != 0) {
    for (int file = 1; file < kFiles; ++file) ::close(file);
  }
  char byte = 0;
  while (::read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  base::remove_tree(path);
  ::_exit(0);
}

}  // namespace

base::Result<std::unique_ptr<TemporaryHome>> TemporaryHome::make(const std::string& purpose) {
  std::error_code error;
  const fs::path room = fs::temp_directory_path(error);
  if (error) return base::io_error("there is no folder for temporary files: set TMPDIR to one");
  const std::string name = "starling-" + purpose + "-" + std::to_string(base::random_u64());
  std::unique_ptr<TemporaryHome> home(new TemporaryHome(fs::absolute(room / name)));
  STARLING_TRY(home->start_keeper());
  STARLING_TRY(base::make_directories(home->path_, base::FileMode::kPrivate));
  return home;
}

TemporaryHome::TemporaryHome(fs::path path) : path_(std::move(path)), name_(path_, base::TemporaryKind::kTree) {}

base::Status TemporaryHome::start_keeper() {
  std::array<int, 2> pipe{-1, -1};
  if (::pipe(pipe.data()) != 0) return base::system_error("make the folder", path_, errno);
  ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  const int number = errno;
  if (child == 0) keep(pipe[0], path_.c_str());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(pipe[0]);
  alive_ = pipe[1];
  if (child < 0) return base::system_error("make the folder", path_, number);
  keeper_ = child;
  return {};
}

TemporaryHome::~TemporaryHome() {
  std::error_code error;
  fs::remove_all(path_, error);
  if (keeper_ > 0) {
    ::kill(keeper_, SIGKILL);
    while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (alive_ >= 0) ::close(alive_);
}

}  // namespace starling::cli
