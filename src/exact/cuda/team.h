#pragma once

#include "exact/loops/portable.h"

// How the threads that work together appear to a kernel's body. A body says what each lane or thread does between two
// meetings, so that the same source runs on a GPU, all at once, and on the CPU, one after another.

namespace starling::exact::cuda {

// The lanes of a row sum (docs/exact.md): lane j has the elements j, j + 16, ...
inline constexpr int kTeamLanes = 16;

// All lanes on one thread.
struct LoopTeam {
  // f(lane) for every lane.
  template <class F>
  STARLING_BOTH void each(F f) const {
    for (int lane = 0; lane < kTeamLanes; ++lane) f(lane);
  }
  // What lanes have written, all may read from here on.
  STARLING_BOTH void meet() const {}
  // The lanes' parts joined in the order of a row sum: lane l with lane l + 8, then 4, 2, 1.
  template <class T, class Part, class Join>
  STARLING_BOTH T fold(Part part, Join join) const {
    T parts[kTeamLanes];
    for (int lane = 0; lane < kTeamLanes; ++lane) parts[lane] = part(lane);
    for (int width = kTeamLanes / 2; width > 0; width /= 2) {
      for (int lane = 0; lane < width; ++lane) parts[lane] = join(parts[lane], parts[lane + width]);
    }
    return parts[0];
  }
};

#if defined(__CUDACC__)
// A thread for each lane: half a warp.
struct WarpTeam {
  template <class F>
  __device__ void each(F f) const {
    f(static_cast<int>(threadIdx.x % kTeamLanes));
  }
  __device__ void meet() const { __syncwarp(mates()); }
  template <class T, class Part, class Join>
  __device__ T fold(Part part, Join join) const {
    const unsigned half = mates();
    T value = part(static_cast<int>(threadIdx.x % kTeamLanes));
    // What lanes get from beyond the team's end no later step hands to lane 0.
    for (int width = kTeamLanes / 2; width > 0; width /= 2) {
      value = join(value, __shfl_down_sync(half, value, width, kTeamLanes));
    }
    return __shfl_sync(half, value, 0, kTeamLanes);
  }

 private:
  __device__ static unsigned mates() { return 0xffffU << (threadIdx.x % 32 / kTeamLanes * kTeamLanes); }
};
#endif

}  // namespace starling::exact::cuda
