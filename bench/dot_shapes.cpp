#include "dot_shapes.h"

namespace starling::bench {
namespace {

DotShape linear(const char* group, std::int64_t m, std::int64_t n, std::int64_t k) {
  return {"linear", group, 1, m, n, k};
}
// The gradient of a weight [n, k] over m tokens.
DotShape weight_gradient(std::int64_t m, std::int64_t n, std::int64_t k) {
  return {"weight gradient", "train", 1, n, k, m, true, true};
}
// The gradient of the input: dy[m, n] · w[n, k].
DotShape input_gradient(std::int64_t m, std::int64_t n, std::int64_t k) {
  return {"input gradient", "train", 1, m, k, n, false, true};
}
DotShape convolution(std::int64_t t, std::int64_t h, std::int64_t w, std::int64_t channels, std::int64_t out) {
  return {"convolution", "convolution", 1, t * h * w, out, 27 * channels, false, false, t, h, w, channels};
}

}  // namespace

std::vector<DotShape> dot_shapes() {
  std::vector<DotShape> shapes;
  for (const std::int64_t tokens : {1024, 4096}) {
    shapes.push_back(linear("dit", tokens, 1536, 1536));
    shapes.push_back(linear("dit", tokens, 8960, 1536));
    shapes.push_back(linear("dit", tokens, 1536, 8960));
  }
  for (const auto& [n, k] : {std::pair{192, 192}, {576, 192}, {768, 192}, {192, 768}, {384, 384}}) {
    shapes.push_back(linear("train", 1280, n, k));
    shapes.push_back(weight_gradient(1280, n, k));
    shapes.push_back(input_gradient(1280, n, k));
  }
  shapes.push_back({"attention q k", "attention", 192, 80, 80, 32});
  shapes.push_back({"attention p v", "attention", 192, 80, 32, 80, false, true});
  shapes.push_back({"attention q k", "attention", 12, 1024, 1024, 128});
  shapes.push_back({"attention p v", "attention", 12, 1024, 128, 1024, false, true});
  shapes.push_back(convolution(17, 32, 32, 24, 24));
  shapes.push_back(convolution(17, 32, 32, 48, 48));
  shapes.push_back(convolution(17, 16, 16, 96, 96));
  shapes.push_back(convolution(17, 16, 16, 48, 96));
  shapes.push_back(linear("small", 1, 1536, 1536));
  shapes.push_back(linear("small", 16, 768, 192));
  shapes.push_back(linear("small", 80, 192, 192));
  return shapes;
}

}  // namespace starling::bench
