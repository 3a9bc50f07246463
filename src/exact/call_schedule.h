#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact/program.h"

namespace starling::exact {

// Outputs that wait, for a call that is not the next one, stay in memory up to so many bytes of them all; others wait
// in a file.
inline constexpr std::size_t kWaitingInMemory = std::size_t{32} << 20U;

// An output of a call.
struct CallOutput {
  std::uint32_t call;
  std::uint32_t output;
};

// What becomes of outputs and weights when a call is done.
struct AfterCall {
  std::vector<CallOutput> put_away;  // to a file, where it stays: later calls read it, but not the next
  std::vector<CallOutput> dropped;   // no later call reads them
  std::vector<std::uint32_t> weights;
  // Its graph is not called again, and was not called before: what its plan computed once is of no use.
  bool forgets_constants = false;
};

// By call, if only the marked ones run (one mark for each call).
std::vector<AfterCall> schedule_calls(const Program& program, const std::vector<bool>& marked);

std::size_t output_bytes(const Program& program, CallOutput value);

}  // namespace starling::exact
