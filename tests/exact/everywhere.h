#pragma once

#include <random>
#include <string>
#include <vector>

#include "exact/graph.h"
#include "exact/tensor.h"

namespace starling::exact {

// f32 from N(0, 1); bytes of which every fourth is at an end of its range.
Tensor random_tensor(Type type, const Shape& shape, std::mt19937& random);

// The outputs of the builder's graph, which are expected to be those of the definitions on every backend and number of
// threads. Random inputs where none are given; `steps` gets the plan.
std::vector<Tensor> expect_equal_everywhere(Builder& builder, std::vector<Tensor> inputs, std::string* steps = nullptr);

}  // namespace starling::exact
