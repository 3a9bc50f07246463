#include "models/umt5.h"

#include <cmath>

#include "models/layers.h"

namespace starling::models {
namespace {

using exact::Builder;
using Value = Builder::Value;

// Far below any score, so that a masked key's weight is exactly zero.
constexpr float kMasked = -1e30F;

// The deviations that T5 is initialised with, relative to the width of what comes in.
float inverse_root(std::int64_t n) { return 1.0F / std::sqrt(static_cast<float>(n)); }

class Encoder {
 public:
  Encoder(Parameters& parameters, const Umt5Config& config) : b_(parameters.builder()), config_(config) {}

  Value norm(const Module& module, Value x) {
    const Value weight = module.parameter("weight", {config_.d_model}, Initializer::constant(1.0F));
    return b_.mul(b_.rms_norm(x, config_.layer_norm_epsilon), b_.broadcast_last(weight, 3));
  }

  // i32[L * L]: the bucket of key j as query i sees it.
  Value buckets(std::int64_t length) {
    const Value relative = b_.sub(b_.iota({length, length}, 1), b_.iota({length, length}, 0));
    const Value distance = b_.abs(relative);
    const std::int64_t half = config_.relative_attention_num_buckets / 2;
    Value bucket = b_.mul(b_.less(b_.fill(0.0F), relative), static_cast<float>(half));
    for (const std::int64_t threshold :
         relative_bucket_thresholds(config_.relative_attention_num_buckets, config_.relative_attention_max_distance)) {
      bucket = b_.add(bucket, b_.less(b_.fill(static_cast<float>(threshold) - 0.5F), distance));
    }
    return b_.to_i32(b_.reshape(bucket, {length * length}));
  }

  // f32[1, h, L, L]. Each layer has a table of its own.
  Value position_bias(const Module& module, std::int64_t length) {
    const Value table = module.child("relative_attention_bias")
                            .parameter("weight", {config_.relative_attention_num_buckets, config_.num_heads},
                                       Initializer::normal(inverse_root(config_.d_model)));
    const Value rows = b_.reshape(b_.gather(table, buckets(length)), {length, length, config_.num_heads});
    return b_.reshape(b_.permute(rows, {2, 0, 1}), {1, config_.num_heads, length, length});
  }

  Value self_attention(const Module& module, Value x, Value mask_bias) {
    const Builder::Scope scope(b_, module.path());
    const std::int64_t batch = b_.size(x, 0);
    const std::int64_t length = b_.size(x, 1);
    const std::int64_t inner = config_.num_heads * config_.d_kv;
    const auto heads = [&](const char* name, float deviation) {
      const Value projected = module.child(name).linear_without_bias(x, inner, deviation);
      return b_.reshape(projected, {batch, length, config_.num_heads, config_.d_kv});
    };
    // There is no 1/√d: T5 has it in the initialisation of q.
    const Value q = b_.permute(heads("q", inverse_root(config_.d_model * config_.d_kv)), {0, 2, 1, 3});
    const Value k = b_.permute(heads("k", inverse_root(config_.d_model)), {0, 2, 1, 3});
    const Value v = b_.permute(heads("v", inverse_root(config_.d_model)), {0, 2, 3, 1});
    const Value bias = b_.add(position_bias(module, length), mask_bias);
    const Value mixed = b_.permute(attention(b_, q, k, v, &bias), {0, 2, 1, 3});
    return module.child("o").linear_without_bias(b_.reshape(mixed, {batch, length, inner}), config_.d_model,
                                                 inverse_root(inner));
  }

  Value feed_forward(const Module& module, Value x) {
    const Builder::Scope scope(b_, module.path());
    const float deviation = inverse_root(config_.d_model);
    const Value gate = b_.gelu_tanh(module.child("wi_0").linear_without_bias(x, config_.d_ff, deviation));
    const Value linear = module.child("wi_1").linear_without_bias(x, config_.d_ff, deviation);
    return module.child("wo").linear_without_bias(b_.mul(gate, linear), config_.d_model, inverse_root(config_.d_ff));
  }

 private:
  Builder& b_;
  const Umt5Config& config_;
};

}  // namespace

std::vector<std::int64_t> relative_bucket_thresholds(std::int64_t num_buckets, std::int64_t max_distance) {
  const std::int64_t half = num_buckets / 2;
  const std::int64_t exact = half / 2;
  std::vector<std::int64_t> thresholds;
  for (std::int64_t n = 1; n <= exact; ++n) thresholds.push_back(n);
  // Bucket exact + k begins at exact · (max_distance / exact)^(k / (half − exact)), rounded up. The margin makes a
  // power that is a whole number count as reached, whatever the last bit of the logarithm.
  const double base = static_cast<double>(exact);
  const double ratio = std::log(static_cast<double>(max_distance) / base) / static_cast<double>(half - exact);
  for (std::int64_t k = 1; k < half - exact; ++k) {
    thresholds.push_back(static_cast<std::int64_t>(std::ceil(base * std::exp(ratio * static_cast<double>(k)) - 1e-6)));
  }
  return thresholds;
}

Value umt5_encode(Parameters& parameters, const Umt5Config& config, Value ids, Value mask) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "umt5");
  if (const base::Status status = validate(config); !status.ok()) {
    b.fail(status.error().message);
    return ids;
  }
  const exact::Shape expected{b.size(ids, 0), b.size(ids, 1)};
  if (!b.ok() || !(b.shape(ids) == expected) || !(b.shape(mask) == expected)) {
    b.fail("ids " + b.shape(ids).text() + " and mask " + b.shape(mask).text() + " must both be [batch, length]");
    return ids;
  }
  const std::int64_t batch = expected[0];
  const std::int64_t length = expected[1];
  Encoder encoder(parameters, config);
  const Module root(parameters);

  const Value table =
      root.child("shared").parameter("weight", {config.vocab_size, config.d_model}, Initializer::normal(1.0F));
  const Value mask_bias = b.reshape(b.mul(b.sub(b.fill(1.0F), mask), kMasked), {batch, 1, 1, length});
  Value x = b.gather(table, ids);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const Module block = root.child("encoder").child("block", i);
    const Module first = block.child("layer.0");
    x = b.add(
        x, encoder.self_attention(first.child("SelfAttention"), encoder.norm(first.child("layer_norm"), x), mask_bias));
    const Module second = block.child("layer.1");
    x = b.add(x, encoder.feed_forward(second.child("DenseReluDense"), encoder.norm(second.child("layer_norm"), x)));
  }
  x = encoder.norm(root.child("encoder.final_layer_norm"), x);
  return b.mul(x, b.reshape(mask, {batch, length, 1}));
}

}  // namespace starling::models
