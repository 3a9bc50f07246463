#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "store/state_view.h"

namespace starling::store {

inline base::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The writes of block `height` of a made-up history: always the same, over a few hundred keys, a third of them
// erasures.
std::vector<Write> made_up_block(std::uint64_t height);

// The state after blocks 1 to height.
MemoryState made_up_state(std::uint64_t height);

// The root of a state's entries by the definition.
base::Hash defined_root(const MemoryState& state);

}  // namespace starling::store
