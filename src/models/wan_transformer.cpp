#include "models/wan_transformer.h"

#include <algorithm>
#include <cmath>

#include "models/layers.h"

namespace starling::models {
namespace {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

constexpr double kLogOfTenThousand = 9.210340371976182736;  // the longest period, of times and of positions

constexpr int kPlanes = 1;  // of probabilities in integers: docs/decisions/008

// How a batch of clips lies as tokens.
struct Grid {
  std::int64_t batch, frames, rows, columns;
  std::int64_t tokens() const { return frames * rows * columns; }
};

// exp(-ln(10000) · i / count) for i in [0, count), as [1, count].
Value frequencies(Builder& b, std::int64_t count) {
  const auto step = static_cast<float>(-kLogOfTenThousand / static_cast<double>(count));
  return b.exp(b.mul(b.iota({1, count}, 1), step));
}

class Transformer {
 public:
  Transformer(Parameters& parameters, const TransformerConfig& config)
      : b_(parameters.builder()), root_(parameters), config_(config) {}

  // --- embeddings

  Value embed_patches(Value latents, const Grid& grid) {
    const auto [pt, ph, pw] = config_.patch_size;
    const std::int64_t channels = config_.in_channels;
    const Value split = b_.reshape(latents, {grid.batch, grid.frames, pt, grid.rows, ph, grid.columns, pw, channels});
    const Value patches = b_.permute(split, {0, 1, 3, 5, 7, 2, 4, 6});
    const std::int64_t depth = channels * pt * ph * pw;
    const Module module = root_.child("patch_embedding");
    const Value weight =
        module.parameter("weight", {config_.width(), channels, pt, ph, pw}, Initializer::scaled(depth));
    const Value bias = module.parameter("bias", {config_.width()}, Initializer::constant(0.0F));
    return b_.linear(b_.reshape(patches, {grid.batch, grid.tokens(), depth}),
                     b_.reshape(weight, {config_.width(), depth}), bias);
  }

  Value embed_time(Value timesteps) {
    const std::int64_t half = config_.freq_dim / 2;
    const std::int64_t times = b_.size(timesteps, 0) * b_.size(timesteps, 1);
    const Value angles = b_.mul(b_.reshape(timesteps, {times, 1}), frequencies(b_, half));
    const Value waves = b_.concat({b_.cos(angles), b_.sin(angles)}, -1);
    const Module module = root_.child("condition_embedder.time_embedder");
    const Value hidden = b_.silu(module.child("linear_1").linear(waves, config_.width()));
    return b_.reshape(module.child("linear_2").linear(hidden, config_.width()),
                      {b_.size(timesteps, 0), b_.size(timesteps, 1), config_.width()});
  }

  // Six vectors for each time: [B, F, 6, width].
  Value modulations(Value time) {
    const Module module = root_.child("condition_embedder.time_proj");
    const std::int64_t width = config_.width();
    // The gates (third and sixth) start where the residual stream keeps its variance over all blocks.
    const float gate = 1.0F / std::sqrt(2.0F * static_cast<float>(config_.num_layers));
    const Value weight = module.parameter("weight", {6 * width, width}, Initializer::scaled(width, 0.25F));
    const Value bias = module.parameter("bias", {6 * width}, {{0.0F, 0.0F, gate, 0.0F, 0.0F, gate}, 0.0F});
    return b_.reshape(b_.linear(b_.silu(time), weight, bias), {b_.size(time, 0), b_.size(time, 1), 6, width});
  }

  // Cosines and sines of every token's angles, f32[1, tokens, 1, head_dim / 2].
  std::array<Value, 2> rotations(const Grid& grid) {
    const std::array<std::int64_t, 3> sizes{grid.frames, grid.rows, grid.columns};
    const std::array<std::int64_t, 3> channels = rotary_channels(config_.attention_head_dim);
    std::array<std::vector<Value>, 2> parts;
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t size = sizes[static_cast<std::size_t>(axis)];
      const std::int64_t half = channels[static_cast<std::size_t>(axis)] / 2;
      if (half == 0) continue;
      const Value angles = b_.mul(b_.iota({size, 1}, 0), frequencies(b_, half));
      Shape along{1, 1, 1, half};
      along.set(axis, size);
      const Shape all{grid.frames, grid.rows, grid.columns, half};
      parts[0].push_back(b_.expand(b_.reshape(b_.cos(angles), along), all));
      parts[1].push_back(b_.expand(b_.reshape(b_.sin(angles), along), all));
    }
    const Shape out{1, grid.tokens(), 1, config_.attention_head_dim / 2};
    return {b_.reshape(b_.concat(parts[0], -1), out), b_.reshape(b_.concat(parts[1], -1), out)};
  }

  // --- attention

  // [B, N, width], normalised over all heads together.
  Value project_and_norm(const Module& module, const char* projection, const char* norm, Value x) {
    const Value projected = module.child(projection).linear(x, config_.width());
    const Value weight = module.child(norm).parameter("weight", {config_.width()}, Initializer::constant(1.0F));
    return b_.mul(b_.rms_norm(projected, config_.eps), b_.broadcast_last(weight, 3));
  }

  Value split_heads(Value x) {
    return b_.reshape(x, {b_.size(x, 0), b_.size(x, 1), config_.num_attention_heads, config_.attention_head_dim});
  }
  Value heads_first(Value x) { return b_.permute(x, {0, 2, 1, 3}); }       // [B, h, N, D]
  Value heads_transposed(Value x) { return b_.permute(x, {0, 2, 3, 1}); }  // [B, h, D, N]

  Value rotate(Value x, const std::array<Value, 2>& rotations) {
    const Shape& s = b_.shape(x);
    const std::int64_t half = config_.attention_head_dim / 2;
    const Value pairs = b_.reshape(x, {s[0], s[1], s[2], half, 2});
    const Value even = b_.reshape(b_.slice(pairs, 4, 0, 1), {s[0], s[1], s[2], half});
    const Value odd = b_.reshape(b_.slice(pairs, 4, 1, 1), {s[0], s[1], s[2], half});
    const auto& [cosine, sine] = rotations;
    return b_.concat({b_.sub(b_.mul(even, cosine), b_.mul(odd, sine)), b_.add(b_.mul(even, sine), b_.mul(odd, cosine))},
                     -1);
  }

  // Heads first, v transposed.
  Value attend(Value q, Value k, Value v) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(config_.attention_head_dim));
    if (!config_.quantisation) return attention(b_, b_.mul(q, scale), k, v);
    return b_.quantised_attention(q, k, b_.transpose(v), scale, kPlanes);
  }

  Value join_heads(const Module& module, Value mixed) {
    const Value joined = heads_first(mixed);
    const Value flat = b_.reshape(joined, {b_.size(joined, 0), b_.size(joined, 1), config_.width()});
    return module.child("to_out.0").linear(flat, config_.width());
  }

  Value self_attention(const Module& module, Value x, const std::array<Value, 2>& angles) {
    const Builder::Scope scope(b_, module.path());
    const Value q = rotate(split_heads(project_and_norm(module, "to_q", "norm_q", x)), angles);
    const Value k = rotate(split_heads(project_and_norm(module, "to_k", "norm_k", x)), angles);
    const Value v = split_heads(module.child("to_v").linear(x, config_.width()));
    return join_heads(module, attend(heads_first(q), heads_first(k), heads_transposed(v)));
  }

  Value cross_attention(const Module& module, Value x, const TextContext& context) {
    const Builder::Scope scope(b_, module.path());
    const std::int64_t texts = b_.size(context.key, 0);
    const Shape clips = b_.shape(x);
    const bool shared = texts != clips[0];  // tokens of clips with one text attend to it together
    if (shared) x = b_.reshape(x, {texts, -1, config_.width()});
    const Value q = split_heads(project_and_norm(module, "to_q", "norm_q", x));
    const Value mixed = join_heads(module, attend(heads_first(q), context.key, context.value_transposed));
    return shared ? b_.reshape(mixed, clips) : mixed;
  }

  // --- blocks

  // x[B, N, width] · (1 + scale) + shift, with scale and shift [B, F, 1, width], F dividing N.
  Value modulate(Value x, Value scale, Value shift) {
    const Value by_time = b_.reshape(x, {b_.size(x, 0), b_.size(scale, 1), -1, config_.width()});
    return b_.reshape(b_.fma(by_time, b_.add(scale, 1.0F), shift), b_.shape(x));
  }
  // x + gate · update
  Value gated(Value x, Value update, Value gate) {
    const Shape by_time{b_.size(x, 0), b_.size(gate, 1), b_.size(x, 1) / b_.size(gate, 1), config_.width()};
    return b_.reshape(b_.fma(b_.reshape(update, by_time), gate, b_.reshape(x, by_time)), b_.shape(x));
  }

  Value affine_norm(const Module& module, Value x) {
    const Value weight = module.parameter("weight", {config_.width()}, Initializer::constant(1.0F));
    const Value bias = module.parameter("bias", {config_.width()}, Initializer::constant(0.0F));
    return b_.fma(b_.layer_norm(x, config_.eps), b_.broadcast_last(weight, 3), b_.broadcast_last(bias, 3));
  }

  Value block(const Module& module, Value x, Value modulation, const std::array<Value, 2>& angles,
              const TextContext& context) {
    const Builder::Scope scope(b_, module.path());
    const std::int64_t width = config_.width();
    const Value table = module.parameter("scale_shift_table", {1, 6, width}, Initializer::scaled(width));
    const Value all = b_.add(modulation, b_.reshape(table, {1, 1, 6, width}));
    const auto vector = [&](std::int64_t index) { return b_.slice(all, 2, index, 1); };
    const Value attended =
        self_attention(module.child("attn1"), modulate(b_.layer_norm(x, config_.eps), vector(1), vector(0)), angles);
    x = gated(x, attended, vector(2));
    const Value queries = config_.cross_attn_norm ? affine_norm(module.child("norm2"), x) : x;
    x = b_.add(x, cross_attention(module.child("attn2"), queries, context));
    const Value in = modulate(b_.layer_norm(x, config_.eps), vector(4), vector(3));
    const Value hidden = b_.gelu_tanh(module.child("ffn.net.0.proj").linear(in, config_.ffn_dim));
    return gated(x, module.child("ffn.net.2").linear(hidden, width), vector(5));
  }

  Value project_out(Value x, Value time, const Grid& grid) {
    const auto [pt, ph, pw] = config_.patch_size;
    const std::int64_t width = config_.width();
    const Value table = root_.parameter("scale_shift_table", {1, 2, width}, Initializer::scaled(width));
    const Value all =
        b_.add(b_.reshape(time, {b_.size(time, 0), b_.size(time, 1), 1, width}), b_.reshape(table, {1, 1, 2, width}));
    const Value in = modulate(b_.layer_norm(x, config_.eps), b_.slice(all, 2, 1, 1), b_.slice(all, 2, 0, 1));
    const std::int64_t channels = config_.out_channels;
    const Value out = root_.child("proj_out").linear(in, pt * ph * pw * channels, 0.0F);
    const Value split = b_.reshape(out, {grid.batch, grid.frames, grid.rows, grid.columns, pt, ph, pw, channels});
    return b_.reshape(b_.permute(split, {0, 1, 4, 2, 5, 3, 6, 7}),
                      {grid.batch, grid.frames * pt, grid.rows * ph, grid.columns * pw, channels});
  }

  std::vector<TextContext> text_contexts(Value text) {
    const Module embedder = root_.child("condition_embedder.text_embedder");
    const Value hidden = b_.gelu_tanh(embedder.child("linear_1").linear(text, config_.width()));
    const Value states = embedder.child("linear_2").linear(hidden, config_.width());
    std::vector<TextContext> contexts;
    for (std::int64_t i = 0; i < config_.num_layers; ++i) {
      const Module module = block_module(i).child("attn2");
      const Value key = split_heads(project_and_norm(module, "to_k", "norm_k", states));
      const Value value = split_heads(module.child("to_v").linear(states, config_.width()));
      contexts.push_back({heads_first(key), heads_transposed(value)});
    }
    return contexts;
  }

  Module block_module(std::int64_t index) const {
    const Module module = root_.child("blocks", index);
    return config_.quantisation ? module.in_integers() : module;
  }

 private:
  Builder& b_;
  Module root_;
  const TransformerConfig& config_;
};

}  // namespace

std::array<std::int64_t, 3> rotary_channels(std::int64_t head_dim) {
  const std::int64_t side = head_dim / 6 * 2;
  return {head_dim - 2 * side, side, side};
}

std::vector<TextContext> wan_text_contexts(Parameters& parameters, const TransformerConfig& config, Value text) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "wan_transformer");
  if (const base::Status status = validate(config); !status.ok()) b.fail(status.error().message);
  if (b.ok() && (b.shape(text).rank() != 3 || b.size(text, 2) != config.text_dim)) {
    b.fail("text " + b.shape(text).text() + " must be [batch, length, " + std::to_string(config.text_dim) + "]");
  }
  if (!b.ok()) return {};
  return Transformer(parameters, config).text_contexts(text);
}

Value wan_transformer(Parameters& parameters, const TransformerConfig& config, Value latents, Value timesteps,
                      const std::vector<TextContext>& contexts) {
  Builder& b = parameters.builder();
  const Builder::Scope scope(b, "wan_transformer");
  if (const base::Status status = validate(config); !status.ok()) b.fail(status.error().message);
  if (!b.ok()) return latents;
  const Shape in = b.shape(latents);
  const auto [pt, ph, pw] = config.patch_size;
  if (in.rank() != 5 || in[4] != config.in_channels || in[1] % pt != 0 || in[2] % ph != 0 || in[3] % pw != 0) {
    b.fail("latents " + in.text() + " must be [batch, frames, rows, columns, " + std::to_string(config.in_channels) +
           "], in whole patches");
    return latents;
  }
  const Grid grid{in[0], in[1] / pt, in[2] / ph, in[3] / pw};
  const Shape& times = b.shape(timesteps);
  if (times.rank() != 2 || times[0] != grid.batch || (times[1] != 1 && times[1] != grid.frames)) {
    b.fail("timesteps " + times.text() + " must be [batch, 1] or [batch, frames of tokens]");
    return latents;
  }
  if (std::max({grid.frames, grid.rows, grid.columns}) > config.rope_max_seq_len) {
    b.fail("a clip of " + in.text() + " latents is longer or wider than this model's " +
           std::to_string(config.rope_max_seq_len) + " positions");
    return latents;
  }
  if (contexts.size() != static_cast<std::size_t>(config.num_layers)) {
    b.fail("one text context for each block is needed");
    return latents;
  }
  Transformer model(parameters, config);
  const Value time = model.embed_time(timesteps);
  const Value modulation = model.modulations(time);
  const std::array<Value, 2> angles = model.rotations(grid);
  Value x = model.embed_patches(latents, grid);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    x = model.block(model.block_module(i), x, modulation, angles, contexts[static_cast<std::size_t>(i)]);
  }
  return model.project_out(x, time, grid);
}

}  // namespace starling::models
