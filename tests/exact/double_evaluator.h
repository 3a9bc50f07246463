#pragma once

#include <map>
#include <string>
#include <vector>

#include "exact/graph.h"

namespace starling::exact {

// Every output of a graph in binary64, by name, from inputs by name (numbers of i32 inputs too). An independent second
// implementation of the operators' mathematics, with libm, for comparing and for finite differences; not of their
// rounding. Random numbers are not supported.
std::map<std::string, std::vector<double>> evaluate_in_double(const Graph& graph,
                                                              const std::map<std::string, std::vector<double>>& inputs);

}  // namespace starling::exact
