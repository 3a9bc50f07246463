#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/result.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace starling::base {
namespace {

// How long a thread watches for work before it sleeps: some tens of microseconds, longer than the gap between two
// loops of one program and far shorter than anything a person notices.
constexpr int kSpins = 1000;
#if defined(__EMSCRIPTEN__)
constexpr int kMaxThreads = 1;  // there are no others
#else
constexpr int kMaxThreads = 512;
#endif

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The pool's state word. A worker joins a loop by adding kOne while kOpen is set, and leaves by subtracting it; so the
// caller waits only for workers that joined, never for one that is still asleep.
constexpr std::uint32_t kOpen = 1;
constexpr std::uint32_t kStop = 2;
constexpr std::uint32_t kOne = 4;
constexpr std::uint32_t kJoined = 0xffc;       // number of workers inside, times kOne
constexpr std::uint32_t kGeneration = 0x1000;  // counts loops above this bit
static_assert(kMaxThreads * kOne <= kJoined);

std::uint32_t generation(std::uint32_t word) { return word / kGeneration; }

}  // namespace

int available_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

struct ThreadPool::State {
  using Body = std::function<void(std::size_t, std::size_t, int)>;

  int threads = 1;
  bool running = false;
  // The loop; written only while nobody is inside.
  const Body* body = nullptr;
  std::size_t count = 0;
  std::size_t grain = 1;

  alignas(64) std::atomic<std::uint32_t> word{0};
  alignas(64) std::atomic<std::size_t> next{0};
  // The generation of the last loop that its last worker left after it was closed.
  alignas(64) std::atomic<std::uint32_t> left{0};
  std::vector<std::thread> workers;

  // Takes ranges until none are left: half of a fair share of what remains, so that ranges are few and the last short.
  void work(int thread) {
    std::size_t begin = next.load(std::memory_order_relaxed);
    while (begin < count) {
      const std::size_t blocks = (count - begin + grain - 1) / grain;
      const std::size_t share = std::max<std::size_t>(1, blocks / (2 * static_cast<std::size_t>(threads)));
      const std::size_t end = share >= blocks ? count : begin + share * grain;
      if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
      (*body)(begin, end, thread);
      begin = next.load(std::memory_order_relaxed);
    }
  }

  void serve(int thread) {
    set_ieee_mode();
    std::uint32_t seen = 0;
    int spins = 0;
    for (;;) {
      std::uint32_t now = word.load(std::memory_order_acquire);
      if ((now & kStop) != 0) return;
      if ((now & kOpen) == 0 || generation(now) == seen) {
        if (++spins < kSpins) {
          relax();
        } else {
          word.wait(now, std::memory_order_acquire);
          spins = 0;
        }
        continue;
      }
      if (!word.compare_exchange_weak(now, now + kOne, std::memory_order_acq_rel)) continue;
      seen = generation(now);
      work(thread);
      const std::uint32_t before = word.fetch_sub(kOne, std::memory_order_acq_rel);
      if ((before & kOpen) == 0 && (before & kJoined) == kOne) {
        left.store(seen, std::memory_order_release);
        left.notify_one();
      }
      spins = 0;
    }
  }

  // Waits for the workers inside a closed loop.
  void wait_left(std::uint32_t number) {
    for (int spins = 0; spins < kSpins; ++spins) {
      if (left.load(std::memory_order_acquire) == number) return;
      relax();
    }
    for (std::uint32_t now = left.load(std::memory_order_acquire); now != number;
         now = left.load(std::memory_order_acquire)) {
      left.wait(now, std::memory_order_acquire);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  state_->threads = std::clamp(threads > 0 ? threads : available_cores(), 1, kMaxThreads);
  for (int i = 1; i < state_->threads; ++i) {
    state_->workers.emplace_back([state = state_.get(), i] { state->serve(i); });
  }
}

ThreadPool::~ThreadPool() {
  state_->word.fetch_or(kStop, std::memory_order_acq_rel);
  state_->word.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(std::size_t count, std::size_t grain,
                     const std::function<void(std::size_t, std::size_t, int)>& body) {
  State& state = *state_;
  if (count == 0) return;
  if (state.running) halt("ThreadPool::run was called from inside a loop of the same pool");
  set_ieee_mode();
  state.running = true;
  grain = std::max<std::size_t>(1, grain);
  if (state.threads == 1 || count <= grain) {
    body(0, count, 0);
    state.running = false;
    return;
  }
  state.body = &body;
  state.count = count;
  state.grain = grain;
  state.next.store(0, std::memory_order_relaxed);
  // Nobody is inside and the loop is closed, so the word holds only the generation.
  const std::uint32_t opened = (state.word.load(std::memory_order_relaxed) + kGeneration) | kOpen;
  state.word.store(opened, std::memory_order_release);
  state.word.notify_all();
  state.work(0);
  const std::uint32_t before = state.word.fetch_and(~kOpen, std::memory_order_acq_rel);
  if ((before & kJoined) != 0) state.wait_left(generation(opened));
  state.running = false;
}

void set_ieee_mode() {
#if defined(__x86_64__)
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  constexpr unsigned kRounding = 0x6000;
  _mm_setcsr(_mm_getcsr() & ~(kFlushToZero | kDenormalsAreZero | kRounding));
#elif defined(__aarch64__)
  constexpr std::uint64_t kFlushToZero = std::uint64_t{1} << 24;
  constexpr std::uint64_t kFlushHalfToZero = std::uint64_t{1} << 19;
  constexpr std::uint64_t kRounding = std::uint64_t{3} << 22;
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  control &= ~(kFlushToZero | kFlushHalfToZero | kRounding);
  asm volatile("msr fpcr, %0" : : "r"(control));
#endif
}

}  // namespace starling::base
