#include "models/parameters.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace starling::models {

using exact::Builder;
using exact::Shape;
using Value = Builder::Value;

std::uint32_t random_stream(std::string_view name) {
  const base::Hash hash = base::sha256(base::as_bytes(name));
  std::uint32_t stream = 0;
  for (std::size_t i = 4; i-- > 0;) stream = stream << 8U | hash.bytes[i];
  return stream;
}

Initializer Initializer::scaled(std::int64_t fan_in, float gain) {
  return normal(gain / std::sqrt(static_cast<float>(fan_in)));
}

bool is_stored_as(exact::Type stored, exact::Type type) {
  using enum exact::Type;
  return stored == type || (type == kF32 && (stored == kBf16 || stored == kF16));
}

Value Parameters::get(std::string_view name, const Shape& shape, const Initializer& initial, exact::Type type) {
  if (const auto found = values_.find(name); found != values_.end()) {
    if (builder_.ok() && !(builder_.shape(found->second) == shape)) {
      builder_.fail("parameter '" + std::string(name) + "' is used with two shapes");
    }
    return found->second;
  }
  const std::string full_name = component_ + "/" + std::string(name);
  const Value value = builder_.input(full_name, type, shape);
  values_.emplace(name, value);
  list_.insert(std::ranges::lower_bound(list_, full_name, {}, &Parameter::name), {full_name, shape, initial, type});
  return value;
}

base::Result<exact::Graph> initialization_graph(const std::vector<Parameter>& parameters) {
  Builder b;
  const Value seed = b.input("seed", exact::Type::kI32, {2});
  for (const Parameter& parameter : parameters) {
    const Builder::Scope scope(b, parameter.name);
    if (parameter.type != exact::Type::kF32) {
      b.fail("integers are not trained; train in f32 and quantise the model");
      break;
    }
    const std::int64_t elements = parameter.shape.elements();
    const auto parts = static_cast<std::int64_t>(parameter.initial.means.size());
    if (parts < 1 || elements % parts != 0) {
      b.fail(std::to_string(parts) + " means do not divide " + std::to_string(elements) + " elements");
      break;
    }
    std::vector<Value> means;
    for (const float mean : parameter.initial.means) means.push_back(b.fill(mean, {elements / parts}));
    Value value = b.concat(means, 0);
    if (parameter.initial.deviation != 0.0F) {
      const Value noise = b.normal(seed, random_stream(parameter.name), {elements});
      value = b.fma(noise, b.fill(parameter.initial.deviation), value);
    }
    b.output(parameter.name, b.reshape(value, parameter.shape));
  }
  return b.finish();
}

}  // namespace starling::models
