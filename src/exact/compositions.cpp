// What Builder offers above single operators.
#include <cmath>

#include "exact/graph.h"

namespace starling::exact {

using Value = Builder::Value;

Value Builder::linear(Value x, Value weight) {
  const Shape& in = shape(x);
  if (in.rank() < 1 || shape(weight).rank() != 2) {
    fail("linear: x " + in.text() + ", weight " + shape(weight).text());
    return {};
  }
  // One product over all rows: leading axes are not batches here.
  Shape out = in;
  const std::int64_t columns = shape(weight)[0];
  out.set(out.rank() - 1, columns);
  return reshape(dot(reshape(x, {-1, in.back()}), weight), out);
}

Value Builder::linear(Value x, Value weight, Value bias) {
  const Value product = linear(x, weight);
  return add(product, broadcast_last(bias, shape(product).rank()));
}

Value Builder::broadcast_last(Value vector, int rank) {
  Shape out;
  for (int axis = 0; axis + 1 < rank; ++axis) out.append(1);
  out.append(shape(vector).elements());
  return reshape(vector, out);
}

Value Builder::sigmoid(Value a) { return div(fill(1.0F), add(exp(neg(a)), fill(1.0F))); }

Value Builder::silu(Value a) { return div(a, add(exp(neg(a)), fill(1.0F))); }

Value Builder::gelu(Value a) {
  const Value half = mul(a, fill(0.5F));
  return fma(half, erf(mul(a, fill(0.70710678118654752F))), half);
}

Value Builder::gelu_tanh(Value a) {
  const Value cubic = fma(mul(mul(a, a), fill(0.044715F)), a, a);
  const Value half = mul(a, fill(0.5F));
  return fma(half, tanh(mul(cubic, fill(0.79788456080286536F))), half);
}

Value Builder::softmax(Value a) {
  const Value powers = exp(sub(a, max(a, -1)));
  return div(powers, sum(powers, -1));
}

Value Builder::mean(Value a, int axis) { return mul(sum(a, axis), fill(1.0F / static_cast<float>(size(a, axis)))); }

Value Builder::layer_norm(Value a, float epsilon) {
  const Value centred = sub(a, mean(a, -1));
  const Value variance = mean(mul(centred, centred), -1);
  return mul(centred, div(fill(1.0F), sqrt(add(variance, fill(epsilon)))));
}

Value Builder::rms_norm(Value a, float epsilon) {
  const Value square = mean(mul(a, a), -1);
  return mul(a, div(fill(1.0F), sqrt(add(square, fill(epsilon)))));
}

Value Builder::conv3d(Value x, Value weight, Value bias, const Convolution& convolution) {
  const auto& kernel = convolution.kernel;
  if (shape(x).rank() != 5 || shape(weight).rank() != 5) {
    fail("conv3d: x " + shape(x).text() + ", weight " + shape(weight).text());
    return {};
  }
  for (int i = 0; i < 3; ++i) {
    const auto& pads = convolution.pad[static_cast<std::size_t>(i)];
    x = pad(x, i + 1, pads[0], pads[1]);
    if (shape(weight)[i + 2] != kernel[static_cast<std::size_t>(i)]) {
      fail("conv3d: weight " + shape(weight).text() + " has another kernel");
      return {};
    }
  }
  const std::int64_t outputs = size(weight, 0);
  const std::int64_t depth = size(weight, 1) * kernel[0] * kernel[1] * kernel[2];
  const bool pointwise =
      kernel == std::array<std::int64_t, 3>{1, 1, 1} && convolution.stride == std::array<std::int64_t, 3>{1, 1, 1};
  const Value rows = pointwise ? weight : permute(weight, {0, 2, 3, 4, 1});
  const Value windows = pointwise ? x : patches(x, kernel, convolution.stride);
  Shape out;
  for (int axis = 0; axis < 4; ++axis) out.append(size(windows, axis));
  out.append(outputs);
  const Value product = dot(reshape(windows, {-1, depth}), reshape(rows, {outputs, depth}));
  return add(reshape(product, out), broadcast_last(bias, 5));
}

}  // namespace starling::exact
