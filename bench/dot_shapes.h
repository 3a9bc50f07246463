#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace starling::bench {

// A product as the models and their training use it, and how a BLAS would be asked for it.
struct DotShape {
  std::string name;
  std::string group;
  std::int64_t batch;
  std::int64_t m, n, k;
  bool a_turned = false;  // a lies as [k, m]
  bool b_turned = false;  // b lies as [k, n]
  // A convolution of x[t, h, w, channels] with a kernel of 3 × 3 × 3 over padded frames; m = t·h·w, k = 27·channels.
  // The peer multiplies the unfolded matrix, whose making it is not charged for.
  std::int64_t t = 0, h = 0, w = 0, channels = 0;
};

std::vector<DotShape> dot_shapes();

}  // namespace starling::bench
