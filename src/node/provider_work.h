#pragma once

#include "base/thread_pool.h"
#include "exact/engine.h"
#include "node/provider.h"

namespace starling::node {

// How far a part is that is not settled: it goes through the stages in their order, leaving some out.
int stage_of(ledger::market::PartState state);

// A part that this provider has won, or whose result it keeps. Under the provider's mutex but for what is atomic or
// fixed.
struct Provider::Work {
  PartName name;
  base::Hash input;
  ledger::market::Task task;                                           // empty if only the result is kept
  ledger::market::PartState state = ledger::market::PartState::kOpen;  // as last seen
  std::uint64_t awarded = 0;                                           // when: tells one award from the next
  std::uint32_t reported = 0;                                          // calls that the ledger knows of
  bool listed = false;  // the ledger has it unsettled in this provider's name
  bool busy = false;    // a worker has it, or it waits for one
  bool running = false;
  bool failed = false;                                 // cannot be computed
  std::chrono::steady_clock::time_point not_before{};  // when it is tried again after a failure
  std::optional<PartResult> result;
  std::chrono::steady_clock::time_point began;
  std::uint32_t calls_before = 0;  // done by an earlier process

  std::atomic<bool> cancel = false;
  std::atomic<std::uint32_t> calls_done = 0;
};

// A thread that computes, with an engine of its own.
struct Provider::Worker {
  std::optional<exact::Engine> engine;
  std::unique_ptr<base::ThreadPool> pool;
  std::atomic<const std::atomic<bool>*> cancel = nullptr;  // of the part that it runs
  // When the part began, and the processor time of the thread until then.
  std::chrono::steady_clock::time_point began;
  double computed_before = 0.0;
};

}  // namespace starling::node
