#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "base/signature.h"
#include "ledger/overlay.h"

namespace starling::ledger {

// Deadlines: entries of the state in the order of their time. A deadline falls due at the beginning of the first block
// whose time is not before it.

enum class DeadlineKind : std::uint8_t {
  kMarketAuction = 1,    // subject: task
  kMarketPart = 2,       // subject: task, part
  kMarketTask = 3,       // subject: task
  kMarketUnbond = 4,     // subject: number of the withdrawal
  kMarketBenchmark = 5,  // subject: number of the benchmark
};

struct Deadline {
  std::uint64_t time = 0;  // milliseconds since 1970
  DeadlineKind kind = DeadlineKind::kMarketAuction;
  std::uint64_t subject = 0;
  std::uint32_t part = 0;

  auto operator<=>(const Deadline&) const = default;  // NOLINT(modernize-use-nullptr)
};

void schedule(Overlay& state, const Deadline& deadline);
// Nothing happens if there is no such deadline.
void unschedule(Overlay& state, const Deadline& deadline);
// As unschedule(); whether there was one.
bool take(Overlay& state, const Deadline& deadline);
// The first `limit` of those due at `time`, in order.
std::vector<Deadline> due(Overlay& state, std::uint64_t time, std::size_t limit);
// In their order, until visit returns false.
base::Status each_deadline(const store::StateView& state, const std::function<bool(const Deadline&)>& visit);
// When the next block is needed even if nobody sends a transaction.
base::Result<std::optional<std::uint64_t>> next_deadline(const store::StateView& state);

}  // namespace starling::ledger
