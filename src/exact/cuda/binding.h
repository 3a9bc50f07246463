#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "exact/cuda/work.h"
#include "exact/plan_body.h"

namespace starling::exact::cuda {

// Where a plan's run has its memory on the device. memory[v] is where value v's own memory begins, of scalars in the
// first of the descriptors.
struct Addresses {
  std::span<float* const> memory;
  std::span<std::byte* const> outputs;
  std::byte* descriptors;
  std::byte* workspace;
};

struct Bound {
  std::vector<Work> works;
  std::vector<std::byte> descriptors;  // what the kernels' arguments point to, beginning with the plan's scalars
  std::size_t workspace_bytes;
};

// The kernels of a run of the plan, in order. A product that hands its result to a pass, or gets its rows from one, is
// made in pieces whose intermediate values have about `piece_bytes`. Sizes do not depend on the addresses.
Bound bind(const Plan::Body& body, const Addresses& addresses, std::size_t piece_bytes, base::ThreadPool& pool);

}  // namespace starling::exact::cuda
