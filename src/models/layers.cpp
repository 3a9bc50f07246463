#include "models/layers.h"

#include <algorithm>
#include <vector>

namespace starling::models {

using exact::Builder;
using Value = Builder::Value;

Module Module::child(std::string_view name) const {
  return Module(*parameters_, path_.empty() ? std::string(name) : path_ + "." + std::string(name));
}

Module Module::child(std::string_view name, std::int64_t index) const {
  return child(std::string(name) + "." + std::to_string(index));
}

Value Module::parameter(std::string_view name, const exact::Shape& shape, const Initializer& initial) const {
  return parameters_->get(path_.empty() ? std::string(name) : path_ + "." + std::string(name), shape, initial);
}

Value Module::linear(Value x, std::int64_t outputs, float gain) const {
  const Builder::Scope scope(builder(), path_);
  const std::int64_t inputs = builder().size(x, -1);
  return builder().linear(x, parameter("weight", {outputs, inputs}, Initializer::scaled(inputs, gain)),
                          parameter("bias", {outputs}, Initializer::constant(0.0F)));
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
