#include "models/wan_vae_blocks.h"

#include <cmath>

namespace starling::models {
namespace {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

constexpr std::int64_t kHistory = 2;  // frames that a kernel of 3 looks back

}  // namespace

// --- history

void VaeBlocks::keep(Value frames) {
  if (part_.keeps) b_.output("cache." + std::to_string(kept_++), frames);
}

Value VaeBlocks::cached(Value like, std::int64_t frames) {
  Shape shape = b_.shape(like);
  shape.set(1, frames);
  return b_.input("cache." + std::to_string(taken_++), exact::Type::kF32, shape);
}

Value VaeBlocks::with_history(Value x, std::int64_t frames) {
  const Value all = part_.starts ? b_.pad(x, 1, frames, 0) : b_.concat({cached(x, frames), x}, 1);
  if (part_.keeps) keep(b_.slice(all, 1, b_.size(all, 1) - frames, frames));
  return all;
}

// --- tiles

std::array<std::array<std::int64_t, 2>, 2> VaeBlocks::zeros() const {
  const auto one_if = [](bool ends) -> std::int64_t { return ends ? 1 : 0; };
  return {{{one_if(edges_.top), one_if(edges_.bottom)}, {one_if(edges_.left), one_if(edges_.right)}}};
}

Value VaeBlocks::crop(Value x, std::int64_t before, std::int64_t after) {
  const auto along = [&](int axis, bool begins, bool ends) {
    const std::int64_t first = begins ? 0 : before;
    const std::int64_t last = ends ? 0 : after;
    if (first + last > 0) x = b_.slice(x, axis, first, b_.size(x, axis) - first - last);
  };
  along(2, edges_.top, edges_.bottom);
  along(3, edges_.left, edges_.right);
  return x;
}

// --- convolutions

Value VaeBlocks::causal_convolution(const Module& module, Value x, std::int64_t outputs, float gain) {
  const Builder::Scope scope(b_, module.path());
  const std::int64_t inputs = b_.size(x, -1);
  const Value weight = module.parameter("weight", {outputs, inputs, 3, 3, 3}, Initializer::scaled(inputs * 27, gain));
  const Value bias = module.parameter("bias", {outputs}, Initializer::constant(0.0F));
  const auto [rows, columns] = zeros();
  return b_.conv3d(with_history(x, kHistory), weight, bias, {{3, 3, 3}, {1, 1, 1}, {{{0, 0}, rows, columns}}});
}

Value VaeBlocks::pointwise_convolution(const Module& module, Value x, std::int64_t outputs, const Initializer& weight,
                                       const Initializer& bias) {
  const Builder::Scope scope(b_, module.path());
  const std::int64_t inputs = b_.size(x, -1);
  return b_.conv3d(x, module.parameter("weight", {outputs, inputs, 1, 1, 1}, weight),
                   module.parameter("bias", {outputs}, bias), {});
}

Value VaeBlocks::planar_convolution(const Module& module, Value x, std::int64_t outputs, std::int64_t stride,
                                    const std::array<std::array<std::int64_t, 2>, 2>& pad) {
  const Builder::Scope scope(b_, module.path());
  const std::int64_t inputs = b_.size(x, -1);
  const Value weight = module.parameter("weight", {outputs, inputs, 3, 3}, Initializer::scaled(inputs * 9));
  const Value bias = module.parameter("bias", {outputs}, Initializer::constant(0.0F));
  return b_.conv3d(x, b_.reshape(weight, {outputs, inputs, 1, 3, 3}), bias,
                   {{1, 3, 3}, {1, stride, stride}, {{{0, 0}, pad[0], pad[1]}}});
}

Value VaeBlocks::time_convolution(const Module& module, Value x, std::int64_t outputs, std::int64_t stride) {
  const Module conv = module.child("time_conv");
  const Builder::Scope scope(b_, conv.path());
  const std::int64_t inputs = b_.size(x, -1);
  const Value weight = conv.parameter("weight", {outputs, inputs, 3, 1, 1}, Initializer::scaled(inputs * 3));
  const Value bias = conv.parameter("bias", {outputs}, Initializer::constant(0.0F));
  return b_.conv3d(x, weight, bias, {{3, 1, 1}, {stride, 1, 1}, {}});
}

// --- blocks

Value VaeBlocks::norm(const Module& module, Value x, int gamma_rank) {
  const std::int64_t channels = b_.size(x, -1);
  Shape shape{channels};
  while (shape.rank() < gamma_rank) shape.append(1);
  const Value gamma = b_.reshape(module.parameter("gamma", shape, Initializer::constant(1.0F)), {1, 1, 1, 1, channels});
  // diffusers bounds the length from below by 1e-12; its square by 1e-24 is the same, with a gradient at zero.
  const Value square = b_.maximum(b_.sum(b_.mul(x, x), -1), b_.fill(1e-24F));
  const Value scale = b_.div(b_.fill(std::sqrt(static_cast<float>(channels))), b_.sqrt(square));
  return b_.mul(b_.mul(x, scale), gamma);
}

Value VaeBlocks::norm_and_activate(const Module& module, Value x) { return b_.silu(norm(module, x, 4)); }

Value VaeBlocks::residual_block(const Module& module, Value x, std::int64_t outputs) {
  const Builder::Scope scope(b_, module.path());
  const std::int64_t inputs = b_.size(x, -1);
  const Value shortcut = inputs == outputs
                             ? x
                             : pointwise_convolution(module.child("conv_shortcut"), x, outputs,
                                                     Initializer::scaled(inputs), Initializer::constant(0.0F));
  Value h = causal_convolution(module.child("conv1"), norm_and_activate(module.child("norm1"), x), outputs);
  h = causal_convolution(module.child("conv2"), norm_and_activate(module.child("norm2"), h), outputs);
  return b_.add(h, crop(shortcut, 2));
}

Value VaeBlocks::attention_block(const Module& module, Value x) {
  const Builder::Scope scope(b_, module.path());
  const Shape in = b_.shape(x);
  const std::int64_t channels = in[4];
  const std::int64_t images = in[0] * in[1];
  const std::int64_t pixels = in[2] * in[3];
  const Value rows = b_.reshape(norm(module.child("norm"), x, 3), {images, pixels, channels});
  const auto project = [&](const char* name, Value value, std::int64_t outputs, float gain) {
    const Module at = module.child(name);
    const Value weight = at.parameter("weight", {outputs, channels, 1, 1}, Initializer::scaled(channels, gain));
    const Value bias = at.parameter("bias", {outputs}, Initializer::constant(0.0F));
    return b_.linear(value, b_.reshape(weight, {outputs, channels}), bias);
  };
  const Value qkv = b_.reshape(project("to_qkv", rows, 3 * channels, 1.0F), {images, 1, pixels, 3 * channels});
  const float scale = 1.0F / std::sqrt(static_cast<float>(channels));
  const Value q = b_.mul(b_.slice(qkv, 3, 0, channels), scale);
  const Value k = b_.slice(qkv, 3, channels, channels);
  const Value v = b_.slice(qkv, 3, 2 * channels, channels);
  const Value mixed = b_.reshape(attention(b_, q, k, b_.transpose(v)), {images, pixels, channels});
  return b_.add(b_.reshape(project("proj", mixed, channels, 0.0F), in), x);
}

Value VaeBlocks::middle_block(const Module& module, Value x) {
  const std::int64_t channels = b_.size(x, -1);
  x = residual_block(module.child("resnets", 0), x, channels);
  x = attention_block(module.child("attentions", 0), x);
  return residual_block(module.child("resnets", 1), x, channels);
}

// --- resampling

Value VaeBlocks::downsample(const Module& module, Value x, bool in_time) {
  const Builder::Scope scope(b_, module.path());
  const std::int64_t channels = b_.size(x, -1);
  x = planar_convolution(module.child("resample.1"), x, channels, 2,
                         {{{0, edges_.bottom ? 1 : 0}, {0, edges_.right ? 1 : 0}}});
  if (!in_time) return x;
  const std::int64_t frames = b_.size(x, 1);
  const Value all = part_.starts ? x : b_.concat({cached(x, 1), x}, 1);
  if (part_.keeps) keep(b_.slice(x, 1, frames - 1, 1));
  if (part_.starts && frames == 1) return x;
  const Value halved = time_convolution(module, all, channels, 2);
  return part_.starts ? b_.concat({b_.slice(x, 1, 0, 1), halved}, 1) : halved;
}

Value VaeBlocks::upsample(const Module& module, Value x, bool in_time, std::int64_t outputs) {
  const Builder::Scope scope(b_, module.path());
  if (in_time) {
    const std::int64_t channels = b_.size(x, -1);
    const std::int64_t frames = b_.size(x, 1);
    const auto doubled = [&](Value history) {
      const Value pairs = time_convolution(module, history, 2 * channels, 1);
      const Shape s = b_.shape(pairs);
      const Value split = b_.reshape(pairs, {s[0] * s[1], s[2], s[3], 2, channels});
      return b_.reshape(b_.permute(split, {0, 3, 1, 2, 4}), {s[0], 2 * s[1], s[2], s[3], channels});
    };
    if (!part_.starts) {
      x = doubled(with_history(x, kHistory));
    } else if (frames > 1) {
      // The clip's first frame stays alone, and the others do not see it.
      x = b_.concat({b_.slice(x, 1, 0, 1), doubled(with_history(b_.slice(x, 1, 1, frames - 1), kHistory))}, 1);
    } else if (part_.keeps) {
      Shape none = b_.shape(x);
      none.set(1, kHistory);
      keep(b_.fill(0.0F, none));
    }
  }
  const Shape s = b_.shape(x);
  const Value repeated =
      b_.expand(b_.reshape(x, {s[0] * s[1], s[2], 1, s[3], 1, s[4]}), {s[0] * s[1], s[2], 2, s[3], 2, s[4]});
  const Value grown = b_.reshape(repeated, {s[0], s[1], 2 * s[2], 2 * s[3], s[4]});
  return planar_convolution(module.child("resample.1"), grown, outputs, 1, zeros());
}

Value VaeBlocks::average_down(Value x, std::int64_t outputs, std::int64_t time_factor, std::int64_t space_factor) {
  if (part_.starts) x = b_.pad(x, 1, (time_factor - b_.size(x, 1) % time_factor) % time_factor, 0);
  const Shape s = b_.shape(x);
  const Shape out{s[0], s[1] / time_factor, s[2] / space_factor, s[3] / space_factor, outputs};
  const Value split = b_.reshape(x, {out[0] * out[1], time_factor, out[2], space_factor, out[3], space_factor, s[4]});
  const Value ordered = b_.permute(split, {0, 2, 4, 6, 1, 3, 5});  // channel, then place within the block
  const std::int64_t group = s[4] * time_factor * space_factor * space_factor / outputs;
  return b_.reshape(b_.mean(b_.reshape(ordered, {out.elements(), group}), -1), out);
}

Value VaeBlocks::duplicate_up(Value x, std::int64_t outputs, std::int64_t time_factor, std::int64_t space_factor) {
  const Shape s = b_.shape(x);
  const std::int64_t repeats = outputs * time_factor * space_factor * space_factor / s[4];
  const std::int64_t pixels = s.elements() / s[4];
  const Value repeated = b_.expand(b_.reshape(x, {pixels, s[4], 1}), {pixels, s[4], repeats});
  const Value split = b_.reshape(repeated, {s[0] * s[1], s[2], s[3], outputs, time_factor, space_factor, space_factor});
  const Value placed = b_.permute(split, {0, 4, 1, 5, 2, 6, 3});
  const Value grown = b_.reshape(placed, {s[0], s[1] * time_factor, s[2] * space_factor, s[3] * space_factor, outputs});
  if (!part_.starts) return grown;
  return b_.slice(grown, 1, time_factor - 1, b_.size(grown, 1) - (time_factor - 1));
}

}  // namespace starling::models
