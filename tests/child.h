#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"

namespace starling {

using ChildArguments = std::vector<std::string>;

// What a process does that a test starts and kills: in test programs with `starling_test(... CHILDREN)`.
class ChildBody {
 public:
  // For a constant of the file: by its name a Child is told what to do.
  ChildBody(const std::string& name, void (*body)(const ChildArguments& given));
};

// This test program started once more, to do one body in a process of its own, which may be killed. It does not
// outlive the thread that started it. (A fork alone would not do: threads would be missing in it.)
class Child {
 public:
  Child(const std::string& name, const ChildArguments& given);

  int id() const { return process_.id(); }
  void kill();
  // The exit code, 1 when an expectation failed in it; 128 + number if a signal ended it. Waits for the end.
  int wait();
  // All numbers that the child has reported; waits for its end.
  std::vector<std::uint64_t> reports();
  // Waits for the child's next report; nothing when it ended instead. What else it says goes to our standard error.
  std::optional<std::uint64_t> next_report();
  // In the child.
  static void report(std::uint64_t number);

 private:
  base::ChildProcess process_;
};

}  // namespace starling
