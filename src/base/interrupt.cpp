#include "base/interrupt.h"

#include <atomic>
#include <csignal>

#include "base/temporary.h"

namespace starling::base {
namespace {

std::atomic<bool> flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::atomic<bool> ending = false;

void on_signal(int number) {
  if (!flag.exchange(true)) return;
  // A third signal may come to another thread; the first to be here finishes.
  if (ending.exchange(true)) return;
  remove_temporaries();
  ::signal(number, SIG_DFL);
  ::raise(number);  // delivered when this handler returns
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // Without SA_RESTART a blocking read returns, so that it can be given up.
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);
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
