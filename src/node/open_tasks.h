#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "node/ledger_client.h"

namespace starling::node {

// Follows the open tasks of a ledger. All of them are read when they are few, and else every half minute or more (that
// finds tasks that are open again); in between only those that are new and those that were not put aside, so that
// tasks that nobody wants cost little however many there are. Not thread safe.
class OpenTasks {
 public:
  using Clock = std::chrono::steady_clock;
  // Open tasks with numbers above `after`, ascending, at most `limit`; fewer only when there are no more.
  using Page = std::function<base::Result<std::vector<TaskEntry>>(std::uint64_t after, std::size_t limit)>;

  explicit OpenTasks(Page page) : page_(std::move(page)) {}

  // Every task that is known to be open and was not put aside, as it is now, ascending. Errors: those of the page
  // function, after which nothing is changed; kCorrupt for a page that is not as above.
  base::Result<std::vector<TaskEntry>> look(Clock::time_point now);
  // The task is not looked at again.
  void put_aside(std::uint64_t task);
  std::size_t size() const { return aside_.size(); }

 private:
  struct Reading;
  base::Status read_on(Reading& reading, std::uint64_t after) const;
  base::Status read_again(Reading& reading) const;
  base::Result<std::vector<TaskEntry>> read_page(std::uint64_t after, std::size_t limit) const;

  Page page_;
  std::map<std::uint64_t, bool> aside_;  // tasks known to be open: whether they are put aside
  std::uint64_t highest_ = 0;            // of the numbers seen
  Clock::time_point next_whole_{};
};

}  // namespace starling::node
