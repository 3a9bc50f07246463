#pragma once

#include <vector>

#include "exact/plan_body.h"

namespace starling::exact {

// Where a product's first operand is what a pass makes of another product, and nobody else reads it or the other
// product: gives both to the product, which makes the operand a few rows at a time. So the scores of an attention are
// never in memory as a whole. Steps are in order and not yet fused with products; `outputs` are the bases of the
// graph's.
void stream_rows(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs);

// Whether the pass reads the rows × columns of a product's result as its own.
bool reads_as_own(const Group& pass, ValueId product, std::int64_t rows, std::int64_t columns);

}  // namespace starling::exact
