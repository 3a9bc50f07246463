#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace starling::train {
namespace {

using exact::Builder;
using exact::Shape;
using exact::Type;
using Value = Builder::Value;

// Scalars that all parameters share.
struct Shared {
  Value clip_scale;
  Value rate;
  Value step_size;          // rate / (1 − β1ᵗ)
  Value inverse_root_bias;  // 1 / √(1 − β2ᵗ)
  Value average_weight;     // 1 − decay of the running average
};

Value one_minus(Builder& b, Value x) { return b.sub(b.fill(1.0F), x); }

Value mean_gradient(Builder& b, const models::Parameter& parameter, int gradients) {
  Value total = b.input("g0/" + parameter.name, Type::kF32, parameter.shape);
  for (int i = 1; i < gradients; ++i) {
    total = b.add(total, b.input("g" + std::to_string(i) + "/" + parameter.name, Type::kF32, parameter.shape));
  }
  return gradients == 1 ? total : b.mul(total, 1.0F / static_cast<float>(gradients));
}

constexpr std::string_view kTextEncoder = "text_encoder/";

constexpr std::int64_t kLeastSide = 16;
constexpr int kOrthogonalIterations = 5;
constexpr float kMoveSize = 0.2F;  // of a move's elements, root mean square, at a rate of 1

std::int64_t rows_of(const models::Parameter& parameter) { return parameter.shape[0]; }
std::int64_t columns_of(const models::Parameter& parameter) { return parameter.shape.elements() / parameter.shape[0]; }

// O(u) of the header, in the parameter's shape.
Value orthogonal(Builder& b, const models::Parameter& parameter, Value u) {
  const bool tall = rows_of(parameter) > columns_of(parameter);
  const Value flat = b.reshape(u, {-1});
  const Value norm = b.reshape(b.sqrt(b.sum(b.mul(flat, flat), 0)), Shape{});
  Value x = b.reshape(b.div(u, b.add(norm, 1e-7F)), {rows_of(parameter), columns_of(parameter)});
  if (tall) x = b.permute(x, {1, 0});
  for (int i = 0; i < kOrthogonalIterations; ++i) {
    const Value a = b.dot(x, x);
    // A is symmetric, so its rows are its columns, and A·A is dot(A, A).
    const Value polynomial = b.fma(b.dot(a, a), b.fill(2.0315F), b.mul(a, -4.7750F));
    x = b.fma(x, b.fill(3.4445F), b.dot(polynomial, b.permute(x, {1, 0})));
  }
  if (tall) x = b.permute(x, {1, 0});
  return b.reshape(x, parameter.shape);
}

void update(Builder& b, const models::Parameter& parameter, const OptimizerSettings& settings, const Shared& shared,
            Value gradient) {
  const auto input = [&](const char* prefix) { return b.input(prefix + parameter.name, Type::kF32, parameter.shape); };
  const Value p = input("p/");
  const Value m = input("m/");
  const Value v = input("v/");
  const Value e = input("e/");
  const Value g = b.mul(gradient, shared.clip_scale);
  const bool matrix = settings.matrix_momentum > 0.0F && is_matrix(parameter);
  const float momentum = matrix ? settings.matrix_momentum : settings.beta1;
  const Value new_m = b.fma(b.fill(momentum), m, b.mul(g, 1.0F - momentum));
  Value new_v = v;
  Value move;
  if (matrix) {
    const Value u = b.fma(b.fill(momentum), new_m, b.mul(g, 1.0F - momentum));
    const auto side = static_cast<float>(std::max(rows_of(parameter), columns_of(parameter)));
    move = b.mul(orthogonal(b, parameter, u), b.mul(shared.rate, kMoveSize * std::sqrt(side)));
  } else {
    new_v = b.fma(b.fill(settings.beta2), v, b.mul(b.mul(g, g), 1.0F - settings.beta2));
    const Value scale = b.fma(b.sqrt(new_v), shared.inverse_root_bias, b.fill(settings.epsilon));
    move = b.div(b.mul(new_m, shared.step_size), scale);
  }
  Value decayed = p;
  if (parameter.shape.rank() >= 2 && settings.weight_decay != 0.0F) {
    decayed = b.fma(b.mul(shared.rate, -settings.weight_decay), p, p);
  }
  const Value new_p = b.sub(decayed, move);
  b.output("p/" + parameter.name, new_p);
  b.output("m/" + parameter.name, new_m);
  b.output("v/" + parameter.name, new_v);
  b.output("e/" + parameter.name, b.fma(shared.average_weight, b.sub(new_p, e), e));
}

}  // namespace

bool is_matrix(const models::Parameter& parameter) {
  const std::string_view name = parameter.name;
  return parameter.shape.rank() >= 2 && std::min(rows_of(parameter), columns_of(parameter)) >= kLeastSide &&
         !name.ends_with("shared.weight") && !name.ends_with("relative_attention_bias.weight");
}

base::Result<exact::Graph> update_graph(const std::vector<models::Parameter>& parameters,
                                        const OptimizerSettings& settings, int gradients) {
  Builder b;
  const Builder::Scope scope(b, "update");
  std::vector<Value> means;
  std::vector<Value> squares;
  for (const models::Parameter& parameter : parameters) {
    const Value gradient = mean_gradient(b, parameter, gradients);
    const Value flat = b.reshape(gradient, {-1});
    means.push_back(gradient);
    squares.push_back(b.sum(b.mul(flat, flat), 0));
  }
  const Value norm = b.sqrt(b.reshape(b.sum(b.concat(squares, 0), 0), Shape{}));
  const Value rate = b.input("learning_rate", Type::kF32, {});
  const Value average_decay = b.input("average_decay", Type::kF32, {});
  const Value power1 = b.mul(b.input("beta1_power", Type::kF32, {}), settings.beta1);
  const Value power2 = b.mul(b.input("beta2_power", Type::kF32, {}), settings.beta2);
  // The smallest normal number keeps a gradient of zero from dividing by zero.
  const Value clip = b.div(b.fill(settings.clip), b.maximum(norm, b.fill(0x1p-126F)));
  const Shared shared{.clip_scale = b.minimum(b.fill(1.0F), clip),
                      .rate = rate,
                      .step_size = b.div(rate, one_minus(b, power1)),
                      .inverse_root_bias = b.div(b.fill(1.0F), b.sqrt(one_minus(b, power2))),
                      .average_weight = one_minus(b, average_decay)};
  Shared of_text = shared;
  if (settings.text_rate != 1.0F) {
    of_text.rate = b.mul(shared.rate, settings.text_rate);
    of_text.step_size = b.mul(shared.step_size, settings.text_rate);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    update(b, parameters[i], settings, parameters[i].name.starts_with(kTextEncoder) ? of_text : shared, means[i]);
  }
  b.output("beta1_power", power1);
  b.output("beta2_power", power2);
  b.output("gradient_norm", norm);
  return b.finish();
}

}  // namespace starling::train
