#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/peer_rows.h"

namespace starling::cli {

struct PeerOptions {
  std::vector<int> threads{1};
  int rounds = 3;
  std::int64_t blocks = 30;  // of the model's 30, in a denoising step
  std::string only;          // as is_wanted reads it
};

// Products, attention, a denoising step and the decoder of a model shaped as Wan 2.1 1.3B, here and by libraries that
// are loaded (bench_products.h) and the scripts under bench/peers (its README says what they need), which are run by
// python3 or what STARLING_PEERS_PYTHON names.
base::Result<std::vector<PeerRow>> bench_peers(const PeerOptions& options);

}  // namespace starling::cli
