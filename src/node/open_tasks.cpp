#include "node/open_tasks.h"

#include <algorithm>

namespace starling::node {

namespace {

constexpr std::size_t kTasksPage = 100;
constexpr std::size_t kFew = 300;           // tasks that are read each time
constexpr std::size_t kMostPages = 20'000;  // of one look: more than that is no ledger
constexpr std::chrono::seconds kWholeAgain{30};
constexpr std::chrono::milliseconds kPerPage{50};  // of a whole look, added to that

}  // namespace

struct OpenTasks::Reading {
  std::map<std::uint64_t, bool> aside;
  std::vector<TaskEntry> tasks;
  std::size_t pages = 0;
};

base::Result<std::vector<TaskEntry>> OpenTasks::read_page(std::uint64_t after, std::size_t limit) const {
  STARLING_ASSIGN(std::vector<TaskEntry> page, page_(after, limit));
  if (page.size() > limit) return base::corrupt("the gateway lists more open tasks than it was asked for");
  for (const TaskEntry& task : page) {
    if (task.number <= after) return base::corrupt("the gateway lists open tasks out of order");
    after = task.number;
  }
  return page;
}

// All tasks above a number.
base::Status OpenTasks::read_on(Reading& reading, std::uint64_t after) const {
  for (; reading.pages < kMostPages; ++reading.pages) {
    STARLING_ASSIGN(std::vector<TaskEntry> page, read_page(after, kTasksPage));
    for (const TaskEntry& task : page) {
      const auto known = aside_.find(task.number);
      const bool aside = known != aside_.end() && known->second;
      reading.aside[task.number] = aside;
      after = task.number;
      if (!aside) reading.tasks.push_back(task);
    }
    if (page.size() < kTasksPage) return {};
  }
  return base::limit_error("the gateway lists more open tasks than a provider follows");
}

// Those that are known and not put aside: with each page as many as the next kTasksPage known ones hold.
base::Status OpenTasks::read_again(Reading& reading) const {
  reading.aside = aside_;
  const auto wanted = [](const auto& entry) { return !entry.second; };
  for (auto at = std::find_if(aside_.begin(), aside_.end(), wanted); at != aside_.end();) {
    const std::uint64_t after = at->first - 1;
    std::uint64_t last = at->first;
    std::size_t limit = 1;
    auto next = at;
    for (std::size_t i = 1; i <= kTasksPage && next != aside_.end(); ++i, ++next) {
      if (next->second) continue;
      last = next->first;
      limit = i;
    }
    STARLING_ASSIGN(std::vector<TaskEntry> page, read_page(after, limit));
    // A task that opened again among them makes the page end early; what it does not reach is read with the next.
    if (page.size() == limit) last = std::min(last, page.back().number);
    for (auto gone = at; gone != aside_.end() && gone->first <= last; ++gone) reading.aside.erase(gone->first);
    for (const TaskEntry& task : page) {
      if (task.number > last) break;
      const auto known = aside_.find(task.number);
      const bool aside = known != aside_.end() && known->second;
      reading.aside[task.number] = aside;
      if (!aside) reading.tasks.push_back(task);
    }
    at = std::find_if(aside_.upper_bound(last), aside_.end(), wanted);
  }
  return {};
}

base::Result<std::vector<TaskEntry>> OpenTasks::look(Clock::time_point now) {
  Reading reading;
  const bool whole = aside_.size() <= kFew || now >= next_whole_;
  if (!whole) STARLING_TRY(read_again(reading));
  STARLING_TRY(read_on(reading, whole ? 0 : highest_));
  if (whole) next_whole_ = now + kWholeAgain + reading.pages * kPerPage;
  aside_ = std::move(reading.aside);
  if (!aside_.empty()) highest_ = std::max(highest_, aside_.rbegin()->first);
  return std::move(reading.tasks);
}

void OpenTasks::put_aside(std::uint64_t task) {
  const auto known = aside_.find(task);
  if (known != aside_.end()) known->second = true;
}

}  // namespace starling::node
