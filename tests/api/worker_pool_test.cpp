#include "api/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

namespace starling::api {
namespace {

constexpr std::size_t kLarge = 1 << 20;
constexpr std::size_t kMiddling = 60'000;

TEST(WorkerPools, LeaveAThreadToWhatIsSmall) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::promise<void> small_done;
  std::atomic<int> large_begun = 0;
  WorkerPool pool(2, 100);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.add(
        [&, open](bool) {
          ++large_begun;
          open.wait();
        },
        kLarge));
  }
  while (large_begun == 0) std::this_thread::yield();
  ASSERT_TRUE(pool.add(
      [&](bool run) {
        small_done.set_value();
        EXPECT_TRUE(run);
      },
      100));
  small_done.get_future().wait();
  EXPECT_EQ(large_begun, 1);
  gate.set_value();
  while (large_begun < 3) std::this_thread::yield();
}

TEST(WorkerPools, LetWhatIsSmallPassALongLine) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> middling = 0;
  std::promise<int> before;
  WorkerPool pool(1, 1000);
  ASSERT_TRUE(pool.add([open](bool) { open.wait(); }, kMiddling));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(pool.add(
        [&](bool) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          ++middling;
        },
        kMiddling));
  }
  ASSERT_TRUE(pool.add([&](bool) { before.set_value(middling); }, 300));
  gate.set_value();
  EXPECT_LE(before.get_future().get(), 2);
}

// A line that is never empty does not keep the others from being served.
TEST(WorkerPools, ServeEveryLine) {
  std::atomic<bool> stop = false;
  std::atomic<int> small = 0;
  std::promise<void> large_done;
  WorkerPool pool(1, 1000);
  std::function<void(bool)> again = [&](bool run) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    ++small;
    if (run && !stop) pool.add(again, 300);
  };
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.add(again, 300));
  ASSERT_TRUE(pool.add([&](bool) { large_done.set_value(); }, kLarge));
  large_done.get_future().wait();
  stop = true;
  EXPECT_GT(small, 0);
}

TEST(WorkerPools, RefuseWhatIsTooMuchAndDropWhatIsLeft) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> dropped = 0;
  std::latch begun(1);
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.add([&begun, open](bool) {
    begun.count_down();
    open.wait();
  }));
  begun.wait();
  for (const std::size_t size : {std::size_t{100}, kLarge}) {
    ASSERT_TRUE(pool.add([&](bool run) { dropped += run ? 0 : 1; }, size));
  }
  EXPECT_FALSE(pool.add([](bool) {}, 100));
  std::thread stopping([&] { pool.stop(); });
  while (dropped < 2) std::this_thread::yield();
  gate.set_value();
  stopping.join();
  EXPECT_FALSE(pool.add([](bool) {}));
}

}  // namespace
}  // namespace starling::api
