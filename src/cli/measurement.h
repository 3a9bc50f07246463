#pragma once

#include <string>

namespace starling::cli {

// A measured number beside its limit. What is not there is not a number.
struct Measurement {
  std::string name;
  std::string shape;
  int threads = 0;
  double ours = 0.0;
  std::string unit;
  double limit = 0.0;  // what it should be at most; 0: none
};

}  // namespace starling::cli
