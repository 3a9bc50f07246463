#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace starling::base {
namespace {

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::size_t count : {0UL, 1UL, 2UL, 15UL, 16UL, 17UL, 1000UL, 4097UL}) {
      for (const std::size_t grain : {0UL, 1UL, 7UL, 64UL, 10000UL}) {
        std::vector<int> seen(count, 0);
        std::atomic<bool> aligned = true;
        std::atomic<bool> numbered = true;
        pool.run(count, grain, [&](std::size_t begin, std::size_t end, int thread) {
          const std::size_t unit = std::max<std::size_t>(1, grain);
          if (begin % unit != 0 || (end % unit != 0 && end != count) || begin >= end) aligned = false;
          if (thread < 0 || thread >= threads) numbered = false;
          for (std::size_t i = begin; i < end; ++i) ++seen[i];
        });
        EXPECT_TRUE(aligned);
        EXPECT_TRUE(numbered);
        EXPECT_EQ(seen, std::vector<int>(count, 1)) << threads << " threads, " << count << " by " << grain;
      }
    }
  }
}

// Loops in quick succession and after pauses, each reading what the one before wrote.
TEST(ThreadPool, LoopsAreOrdered) {
  ThreadPool pool(3);
  std::vector<std::uint32_t> values(64, 0);
  for (std::uint32_t round = 0; round < 5000; ++round) {
    pool.run(values.size(), 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) values[i] = values[i] == round ? round + 1 : 0xffff0000;
    });
    if (round % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(values, std::vector<std::uint32_t>(64, 5000));
}

TEST(ThreadPool, EveryThreadTakesPart) {
  ThreadPool pool(2);
  std::atomic<int> inside = 0;
  // Each of the two ranges waits for the other, so both threads must run at once.
  pool.run(2, 1, [&](std::size_t, std::size_t, int) {
    ++inside;
    while (inside.load() < 2) std::this_thread::yield();
  });
  EXPECT_EQ(inside.load(), 2);
}

TEST(ThreadPool, StartsAndStopsIdle) {
  for (int round = 0; round < 50; ++round) ThreadPool pool(4);
  EXPECT_GE(ThreadPool().threads(), 1);
}

#if defined(__x86_64__)
TEST(ThreadPool, WorkersKeepSubnormalsAndRoundToNearest) {
  const unsigned before = _mm_getcsr();
  ThreadPool pool(2);
  _mm_setcsr(before | 0x8040 | 0x2000);  // flush to zero, subnormals are zero, round down
  std::atomic<int> inside = 0;
  std::atomic<int> wrong = 0;
  pool.run(2, 1, [&](std::size_t, std::size_t, int) {
    ++inside;
    while (inside.load() < 2) std::this_thread::yield();
    volatile float smallest = std::numeric_limits<float>::min();
    volatile float half = 0.5F;
    if (smallest * half == 0.0F) ++wrong;
    volatile float one = 1.0F;
    volatile float tiny = -1e-10F;
    if (one + tiny != 1.0F) ++wrong;
  });
  _mm_setcsr(before);
  EXPECT_EQ(wrong.load(), 0);
}
#endif

}  // namespace
}  // namespace starling::base
