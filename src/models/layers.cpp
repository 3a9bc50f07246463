#include "models/layers.h"

#include <algorithm>
#include <vector>

namespace starling::models {

using exact::Builder;
using Value = Builder::Value;

Module Module::child(std::string_view name) const {
  Module module = *this;
  module.path_ += path_.empty() ? std::string(name) : "." + std::string(name);
  return module;
}

Module Module::child(std::string_view name, std::int64_t index) const {
  return child(std::string(name) + "." + std::to_string(index));
}

Module Module::in_integers() const {
  Module module = *this;
  module.integers_ = true;
  return module;
}

Value Module::parameter(std::string_view name, const exact::Shape& shape, const Initializer& initial,
                        exact::Type type) const {
  return parameters_->get(path_.empty() ? std::string(name) : path_ + "." + std::string(name), shape, initial, type);
}

Value Module::linear(Value x, std::int64_t outputs, float gain) const {
  const Builder::Scope scope(builder(), path_);
  const std::int64_t inputs = builder().size(x, -1);
  const Value bias = parameter("bias", {outputs}, Initializer::constant(0.0F));
  const Initializer initial = Initializer::scaled(inputs, gain);
  if (!integers_) return builder().linear(x, parameter("weight", {outputs, inputs}, initial), bias);
  const Value weight = parameter("weight", {outputs, inputs}, initial, exact::Type::kI8);
  const Value scale = parameter("weight_scale", {outputs}, Initializer::constant(1.0F));
  return builder().quantised_linear(builder().quantize_rows(x), weight, scale, bias);
}

Value Module::linear_without_bias(Value x, std::int64_t outputs, float deviation) const {
  const Builder::Scope scope(builder(), path_);
  return builder().linear(x, parameter("weight", {outputs, builder().size(x, -1)}, Initializer::normal(deviation)));
}

Value attention(Builder& b, Value q, Value k, Value v_transposed, const Value* bias, std::int64_t max_scores) {
  const std::int64_t queries = b.size(q, 2);
  const std::int64_t per_query = b.size(q, 0) * b.size(q, 1) * b.size(k, 2);
  const std::int64_t fitting = max_scores / per_query / kQueryBlockStep * kQueryBlockStep;
  const std::int64_t block = std::max(fitting, kQueryBlockStep);
  std::vector<Value> parts;
  for (std::int64_t start = 0; start < queries && b.ok(); start += block) {
    const std::int64_t count = std::min(block, queries - start);
    Value scores = b.dot(b.slice(q, 2, start, count), k);
    if (bias != nullptr) {
      const bool by_query = b.size(*bias, 2) != 1;
      scores = b.add(scores, by_query ? b.slice(*bias, 2, start, count) : *bias);
    }
    parts.push_back(b.dot(b.softmax(scores), v_transposed));
  }
  return parts.empty() ? q : b.concat(parts, 2);
}

Value constant(Builder& b, std::span<const float> values) {
  std::vector<Value> parts;
  for (const float value : values) parts.push_back(b.fill(value, {1}));
  return b.concat(parts, 0);
}

}  // namespace starling::models
