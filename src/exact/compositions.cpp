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

Value Builder::gelu_tanh(Value a) {
  const Value cubic = fma(mul(mul(a, a), fill(0.044715F)), a, a);
  const Value half = mul(a, fill(0.5F));
  return fma(half, tanh(mul(cubic, fill(0.79788456080286536F))), half);
}

Value Builder::softmax(Value a) {
  const Value powers = exp(sub(a, max(a, -1)));
  return div(powers, sum(powers, -1));
}

Builder::Quantised Builder::quantize_rows(Value x) {
  const Value greatest = max(abs(x), -1);
  const Value factor = select(greatest, div(fill(127.0F), greatest), fill(0.0F));
  return {to_i8(mul(x, factor)), div(greatest, fill(127.0F))};
}

Value Builder::quantised_linear(const Quantised& x, Value weight, Value weight_scale) {
  const Shape& in = shape(x.values);
  if (in.rank() < 1 || shape(weight).rank() != 2) {
    fail("quantised_linear: x " + in.text() + ", weight " + shape(weight).text());
    return {};
  }
  const Value sums = to_f32(dot(reshape(x.values, {-1, in.back()}), weight));
  const Value product = mul(sums, mul(reshape(x.scale, {-1, 1}), broadcast_last(weight_scale, 2)));
  Shape out = in;
  out.set(out.rank() - 1, shape(weight)[0]);
  return reshape(product, out);
}

Value Builder::quantised_linear(const Quantised& x, Value weight, Value weight_scale, Value bias) {
  const Value product = quantised_linear(x, weight, weight_scale);
  return add(product, broadcast_last(bias, shape(product).rank()));
}

Value Builder::quantised_attention(Value q, Value k, Value v, float scale, int planes) {
  if (shape(q).rank() < 2 || shape(k).rank() != shape(q).rank() || shape(v).rank() != shape(q).rank() ||
      (planes != 1 && planes != 2)) {
    fail("quantised_attention: q " + shape(q).text() + ", k " + shape(k).text() + ", v " + shape(v).text() + ", " +
         std::to_string(planes) + " planes");
    return {};
  }
  const Quantised rows = quantize_rows(mul(q, fill(scale)));
  const Quantised keys = quantize_rows(k);
  const Quantised columns = quantize_rows(transpose(v));
  const Value logits = mul(to_f32(dot(rows.values, keys.values)), mul(rows.scale, transpose(keys.scale)));
  const Value powers = mul(exp(sub(logits, max(logits, -1))), fill(255.0F));
  const auto weighted = [&](Value plane) { return to_f32(dot(plane, columns.values)); };
  const auto total = [&](Value plane) { return to_f32(sum(plane, -1)); };
  if (planes == 1) {
    const Value plane = to_u8(powers);
    return mul(div(weighted(plane), total(plane)), transpose(columns.scale));
  }
  // What is left of a power is between 0 and 1, but for halves that round to even.
  const Value coarse = to_u8(sub(powers, fill(0.5F)));
  const Value fine = to_u8(mul(sub(powers, to_f32(coarse)), fill(255.0F)));
  const Value sums = fma(weighted(coarse), fill(255.0F), weighted(fine));
  const Value totals = fma(total(coarse), fill(255.0F), total(fine));
  return mul(div(sums, totals), transpose(columns.scale));
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
