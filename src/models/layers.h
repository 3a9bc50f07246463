#pragma once

#include <span>
#include <string>
#include <string_view>

#include "models/parameters.h"

namespace starling::models {

// A place in a checkpoint's tree of names, such as "blocks.3.attn1", and the layers that are built there.
class Module {
 public:
  explicit Module(Parameters& parameters, std::string path = {}) : parameters_(&parameters), path_(std::move(path)) {}

  Module child(std::string_view name) const;
  Module child(std::string_view name, std::int64_t index) const;
  // This place, with linear layers in integers below it.
  Module in_integers() const;
  exact::Builder& builder() const { return parameters_->builder(); }
  const std::string& path() const { return path_; }

  exact::Builder::Value parameter(std::string_view name, const exact::Shape& shape, const Initializer& initial,
                                  exact::Type type = exact::Type::kF32) const;
  // y = x·Wᵀ + b over the last axis, "weight"[outputs, inputs] and "bias"[outputs]. In integers the weight is i8,
  // with "weight_scale"[outputs], and the rows of x are quantised.
  exact::Builder::Value linear(exact::Builder::Value x, std::int64_t outputs, float gain = 1.0F) const;
  exact::Builder::Value linear_without_bias(exact::Builder::Value x, std::int64_t outputs, float deviation) const;

 private:
  Parameters* parameters_;
  std::string path_;
  bool integers_ = false;
};

// Scores that attention holds at once, in elements (64 MiB of f32).
inline constexpr std::int64_t kMaxScores = std::int64_t{1} << 24;
// Queries come in blocks of multiples of this.
inline constexpr std::int64_t kQueryBlockStep = 64;

// softmax(q·kᵀ + bias)·v, from q[B, h, N, D] (already scaled), k[B, h, M, D], v[B, h, M, D] transposed to [B, h, D, M]:
// [B, h, N, D]. bias, if any, broadcasts to [B, h, N, M]. Queries are worked off in blocks of about max_scores scores
// (but at least 64 queries), so that memory grows with N + M, not N · M; the bits are the same.
exact::Builder::Value attention(exact::Builder& b, exact::Builder::Value q, exact::Builder::Value k,
                                exact::Builder::Value v_transposed, const exact::Builder::Value* bias = nullptr,
                                std::int64_t max_scores = kMaxScores);

// The values as a tensor of shape [n].
exact::Builder::Value constant(exact::Builder& b, std::span<const float> values);

}  // namespace starling::models
