#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace starling::cli {

// One thing that ours and a peer do, each in its arithmetic. Seconds are medians: what the process ran with one thread,
// the clock's with more. 0: there is no such number; where the peer has none, `missing` says why, and what to install.
struct PeerRow {
  std::string name, shape;
  int threads = 1;
  std::string arithmetic;  // ours
  double seconds = 0.0;
  double limit_seconds = 0.0;  // what the machine's peak, measured in the same run, allows for its products
  std::string peer;            // with version and arithmetic
  double peer_seconds = 0.0;
  double target = 0.0;  // how many times as fast as the peer ours is meant to be
  std::string missing;
};

// What is measured contains the text that --only names: in "NAME SHAPE, ARITHMETIC, N threads".
bool is_wanted(const PeerRow& row, const std::string& only);

base::Json to_json(const std::vector<PeerRow>& rows);
// Of what to_json gave.
base::Result<std::vector<PeerRow>> peer_rows_of(const base::Json& list);
void print_table(const std::vector<PeerRow>& rows);

}  // namespace starling::cli
