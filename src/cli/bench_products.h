#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace starling::cli {

// A measured number beside its peer's and its limit. What is not there is not a number.
struct Measurement {
  std::string name;
  std::string shape;
  int threads = 0;
  double ours = 0.0;
  double peer = 0.0;  // 0: none
  std::string peer_name;
  std::string unit;
  double limit = 0.0;     // 0: none; of ratio where there is a peer, else of ours
  bool at_least = false;  // the limit is a lower one
};

// The f32 product at the shapes of a large video transformer, packing counted, against OpenBLAS in the same run; and
// the geometric mean of the ratios. OpenBLAS is loaded if it is installed (libopenblas0), with its best kernels for
// this CPU (SkylakeX, Haswell), or those that STARLING_BENCH_PEER names. Without it there is no peer.
base::Result<std::vector<Measurement>> bench_products(const std::vector<int>& threads);

}  // namespace starling::cli
