#include "node/open_tasks.h"

#include <gtest/gtest.h>

#include <set>

namespace starling::node {
namespace {

class OpenTasksTest : public testing::Test {
 protected:
  std::vector<std::uint64_t> look() {
    pages = 0;
    const auto found = tasks.look(now);
    EXPECT_TRUE(found.ok());
    std::vector<std::uint64_t> numbers;
    if (!found.ok()) return numbers;
    for (const TaskEntry& task : *found) numbers.push_back(task.number);
    return numbers;
  }
  void open_junk(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t number = first; number < first + count; ++number) open.insert(number);
  }
  void put_all_aside() {
    for (const std::uint64_t number : look()) tasks.put_aside(number);
  }

  std::set<std::uint64_t> open;
  std::size_t pages = 0;
  bool broken = false;
  OpenTasks::Clock::time_point now = OpenTasks::Clock::now();
  OpenTasks tasks{[this](std::uint64_t after, std::size_t limit) -> base::Result<std::vector<TaskEntry>> {
    ++pages;
    if (broken) return base::io_error("no answer");
    std::vector<TaskEntry> page;
    for (auto at = open.upper_bound(after); at != open.end() && page.size() < limit; ++at) {
      page.emplace_back();
      page.back().number = *at;
    }
    return page;
  }};
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(OpenTasksTest, ThousandsThatNobodyWantsHideNone) {
  open_junk(1, 5000);
  put_all_aside();
  open.insert(6000);
  EXPECT_EQ(look(), Numbers{6000});
  EXPECT_EQ(pages, 1U) << "what was put aside is not read again";
  EXPECT_EQ(look(), Numbers{6000}) << "it is not put aside";
  EXPECT_LE(pages, 2U);
  now += std::chrono::minutes(10);
  EXPECT_EQ(look(), Numbers{6000});
  EXPECT_GE(pages, 50U) << "all of them, once in a while";
  EXPECT_EQ(tasks.size(), 5001U);
}

TEST_F(OpenTasksTest, WhatIsNotOpenAnyMoreIsForgotten) {
  open_junk(10, 1000);
  for (const std::uint64_t number : look()) {
    if (number % 200 != 0) tasks.put_aside(number);
  }
  EXPECT_EQ(look(), (Numbers{200, 400, 600, 800, 1000}));
  open.erase(400);
  open.erase(1000);
  EXPECT_EQ(look(), (Numbers{200, 600, 800}));
  EXPECT_EQ(look(), (Numbers{200, 600, 800}));
}

TEST_F(OpenTasksTest, MayComeBack) {
  open_junk(1, 1000);
  put_all_aside();
  open.insert(2000);
  EXPECT_EQ(look(), Numbers{2000});
  open.erase(2000);
  EXPECT_EQ(look(), Numbers{});
  open.insert(2000);
  now += std::chrono::minutes(1);
  EXPECT_EQ(look(), Numbers{2000});
}

TEST_F(OpenTasksTest, AFailureChangesNothing) {
  open_junk(1, 400);
  put_all_aside();
  open.insert(500);
  broken = true;
  EXPECT_FALSE(tasks.look(now).ok());
  EXPECT_EQ(tasks.size(), 400U);
  broken = false;
  EXPECT_EQ(look(), Numbers{500});
}

TEST(OpenTasks, APageThatRepeatsItselfIsRefused) {
  OpenTasks tasks([](std::uint64_t, std::size_t limit) { return std::vector<TaskEntry>(limit); });
  EXPECT_FALSE(tasks.look(OpenTasks::Clock::now()).ok());
}

}  // namespace
}  // namespace starling::node
