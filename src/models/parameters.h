#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exact/graph.h"

namespace starling::models {

// How a parameter starts: element i of n from N(mean, deviation²), where the mean is means[i * means.size() / n]. So
// one mean is for all, and several are for equal parts of the tensor.
struct Initializer {
  std::vector<float> means{0.0F};
  float deviation = 0.0F;

  static Initializer constant(float value) { return {{value}, 0.0F}; }
  static Initializer normal(float deviation) { return {{0.0F}, deviation}; }
  // N(0, gain² / fan_in): keeps the variance of unit inputs times gain².
  static Initializer scaled(std::int64_t fan_in, float gain = 1.0F);
};

// A weight of a model: its graph input is named "COMPONENT/NAME", as "transformer/proj_out.weight".
struct Parameter {
  std::string name;  // with the component
  exact::Shape shape;
  Initializer initial;
  exact::Type type = exact::Type::kF32;
};

// The random stream that a parameter's values come from (exact/random.h): the first four bytes of its name's SHA-256,
// little-endian.
std::uint32_t random_stream(std::string_view name);

// Whether a checkpoint may store a parameter of the second type as the first: f32 also as bf16 or f16.
bool is_stored_as(exact::Type stored, exact::Type type);

// Maps the tensor names of one component's checkpoint to inputs of a graph, made when first asked for. The same
// builders so serve inference, training and initialisation.
class Parameters {
 public:
  Parameters(exact::Builder& builder, std::string component) : builder_(builder), component_(std::move(component)) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  exact::Builder::Value get(std::string_view name, const exact::Shape& shape, const Initializer& initial,
                            exact::Type type = exact::Type::kF32);
  exact::Builder& builder() { return builder_; }
  // By name, so that the order does not depend on that of first use, which compilers may choose.
  const std::vector<Parameter>& list() const { return list_; }

 private:
  exact::Builder& builder_;
  std::string component_;
  std::map<std::string, exact::Builder::Value, std::less<>> values_;
  std::vector<Parameter> list_;
};

// A graph that gives each parameter, all of them f32, its starting value, as an output of its name, from the input
// "seed" (i32[2]). What a parameter gets depends on the seed and its own name alone.
base::Result<exact::Graph> initialization_graph(const std::vector<Parameter>& parameters);

}  // namespace starling::models
