#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace starling::cli {

struct PeerOptions {
  int threads = 1;
  int rounds = 3;
  std::int64_t blocks = 30;  // of the model's 30, in a denoising step
  std::string only;          // what is measured contains it in name or shape
};

// One thing that ours and a peer do, each in its arithmetic. Seconds are medians: what the process ran with one thread,
// the clock's with more. 0: there is no such time, and `missing` says why, and what to install.
struct PeerRow {
  std::string name, shape;
  std::string arithmetic;  // ours
  double seconds = 0.0;
  std::string peer;  // with version and arithmetic
  double peer_seconds = 0.0;
  std::string missing;
};

// Products, attention, a denoising step and the decoder of a model shaped as Wan 2.1 1.3B, here and by the scripts
// under bench/peers (its README says what they need), which are run by python3 or what STARLING_PEERS_PYTHON names.
base::Result<std::vector<PeerRow>> bench_peers(const PeerOptions& options);

base::Json to_json(const std::vector<PeerRow>& rows);
void print_table(const std::vector<PeerRow>& rows);

}  // namespace starling::cli
