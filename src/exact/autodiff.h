#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "exact/graph.h"

namespace starling::exact {

// Reverse-mode differentiation, graph to graph. The result has the inputs and outputs of `graph`, and for each name in
// `with_respect_to` (f32 inputs) one more output "d.NAME": the derivative of output `of` (one f32 element) by that
// input, zeros if there is no path. The rules are in operators' order in gradients.cpp. Max along an axis passes no
// gradient (it serves to shift exponents, where the derivative is zero), and neither do less, to_i32, and a select's
// condition. Where the operands of maximum or minimum are equal the first gets all; at 0 the derivative of abs is 0.
base::Result<Graph> differentiate(const Graph& graph, const std::string& of,
                                  const std::vector<std::string>& with_respect_to);

}  // namespace starling::exact
