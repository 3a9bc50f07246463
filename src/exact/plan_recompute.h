#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "exact/plan_group.h"

namespace starling::exact {

// What passes make again instead of reading it: for each pass (a number from pass_of, which has one for each node) the
// nodes to add to it. Large values that only passes read need not be written, then, and are taken out of `stored`;
// columns that are needed instead are put in. A value is chosen where that moves fewer large operands through memory
// and costs few cheap operations. `needed` are the values that anything outside of passes reads.
std::map<std::size_t, std::set<ValueId>> choose_recomputed(const Graph& graph, const std::vector<FusedNode>& nodes,
                                                           const std::vector<std::size_t>& pass_of,
                                                           const std::set<ValueId>& needed, std::set<ValueId>& stored);

}  // namespace starling::exact
