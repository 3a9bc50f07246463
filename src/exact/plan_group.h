#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "exact/plan_body.h"

namespace starling::exact {

// A node that may share a pass with others over the same rows × columns. Its value is the whole block or, for
// reductions along the last axis and what follows from them, one column.
struct FusedNode {
  ValueId value = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  bool is_column = false;
  // Nodes share a pass only at equal levels; an edge that cannot be inside a pass raises the level. So passes never
  // depend on each other in a circle.
  int level = 0;
  std::vector<Location> operands;  // broadcast to the rows × columns
};

// Whether the node can be part of a pass: elementwise, or a reduction along a last axis short enough for a block.
bool fusible(const Graph& graph, const Node& node);

bool same_space(const FusedNode& a, const FusedNode& b);

// Whether the view of the producer's value reads row r, column c for the consumer's row r, column c.
bool identity(const FusedNode& producer, const View& view, const FusedNode& consumer);

// The column step of an operand read from memory, if its columns are equally spaced.
std::optional<std::ptrdiff_t> column_step(const View& view);

// Raises the levels of nodes that read each other within a pass, all together, to that of a later pass which could take
// them, where nothing needs what they make before. `latest` is the highest level at which values may be made that are
// read by what is outside of passes.
void raise_levels(std::vector<FusedNode>& nodes, const std::map<ValueId, int>& latest);

// Finds f32(product) · (row scale · column scale), and what is added to each column, at the beginning of a pass.
void find_dequantising(Group& group, ValueId product);

// Finds integer attention's softmax over its scores, the product, with probabilities `made` in one plane of u8. The
// pass has been searched for dequantising.
void find_softmax(Group& group, ValueId made);

// Finds what one kernel does to rows in one go. Instructions stay as they are from here on.
void find_row_kernels(Group& group);

// Finds which outputs of a pass, not fused with a product, are to go past the caches.
void find_large_stores(Group& group);

// Finds pairs of neighbours in heads that are turned by angles of their row and put into halves, as rotary positions
// do: two passes and a concat become one step, or the end of the pass that made the pairs. Steps are in order and not
// yet fused with products; `outputs` are the bases of the graph's.
void rotate_in_one_go(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs);

// Lets a pass that turns heads make their integers, where nothing but a pass that quantises them reads them. Steps are
// not yet fused with products.
void quantise_heads(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs);

// The passes of these nodes. `needed` are the values that anything outside of passes reads.
std::vector<Step> make_groups(const Graph& graph, const std::vector<FusedNode>& nodes, const std::set<ValueId>& needed);

}  // namespace starling::exact
