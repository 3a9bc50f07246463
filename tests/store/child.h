#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace starling::store {

// This test program started once more to run one test of the name *.DISABLED_name in a process of its own, which may be
// killed. A fork alone would not do: RocksDB's threads would be missing in it.
class Child {
 public:
  Child(const std::string& name, const std::string& folder);
  ~Child();  // kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill();
  // The exit status, or minus the signal that ended it. Waits for the end.
  int wait();
  // All numbers that the child has reported; waits for its end.
  std::vector<std::uint64_t> reports();
  // Waits for the child's next report; nothing when it ended instead.
  std::optional<std::uint64_t> next_report();

  // In the child: the folder it was given, and a report to the parent.
  static std::string folder();
  static void report(std::uint64_t number);

 private:
  pid_t process_ = -1;
  int pipe_ = -1;
};

}  // namespace starling::store
