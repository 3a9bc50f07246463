#include "base/interrupt.h"

#include <atomic>
#include <csignal>

namespace starling::base {
namespace {

std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int /*number*/) { flag.store(true, std::memory_order_relaxed); }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // RESETHAND gives the second signal its usual effect; without RESTART a blocking read returns, so that it can be
  // given up.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return flag.load(std::memory_order_relaxed); }

Status check_interrupt() {
  if (interrupted()) return cancelled("the work was interrupted before it was done; nothing partial was kept");
  return {};
}

void clear_interrupt() {
  flag.store(false, std::memory_order_relaxed);
  catch_interrupts();
}

}  // namespace starling::base
