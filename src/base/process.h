#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace starling::base {

// A program that this process started. It ends with its starter: the kernel terminates it (SIGTERM) when the thread
// that started it is gone, whatever ended that. Not thread safe.
class ChildProcess {
 public:
  struct Options {
    std::filesystem::path log;  // gets its standard error, appended; empty: it shares ours
    int input = -1;  // descriptors that become its standard input and output; −1: nothing, and a pipe to here
    int output = -1;
  };
  // arguments[0] is the program's file.
  static Result<ChildProcess> start(const std::vector<std::string>& arguments, const Options& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // kills it if it is still there

  int id() const { return id_; }
  // The next line of its standard output without the newline. kLimit after the timeout or beyond 64 KiB, kIo when the
  // output ended.
  Result<std::string> read_line(std::chrono::milliseconds timeout);
  // The exit code once it has ended, 128 + number if a signal ended it; nothing while it runs.
  std::optional<int> exit_code();
  // Asks it to end (SIGTERM).
  void ask_to_stop() const;
  // Waits for its end; kills it when it takes longer. The exit code.
  int wait(std::chrono::milliseconds patience);

 private:
  ChildProcess(int id, int output) : id_(id), output_(output) {}
  void discard();
  int id_ = -1;
  int output_ = -1;
  std::string buffered_;
  std::optional<int> exit_code_;
};

// The file of the program that is running.
Result<std::filesystem::path> own_program();

}  // namespace starling::base
