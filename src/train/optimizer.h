#pragma once

#include <vector>

#include "base/result.h"
#include "exact/graph.h"
#include "models/parameters.h"

namespace starling::train {

// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) after clipping the gradient's norm over
// all parameters together.
struct OptimizerSettings {
  float beta1 = 0.9F;
  float beta2 = 0.99F;
  float epsilon = 1e-8F;
  float weight_decay = 0.01F;  // of tensors with two axes or more: weights, but not biases and gains
  float clip = 1.0F;           // the largest norm a gradient may keep
};

// One update of every parameter as a graph. For each parameter NAME it takes the inputs
//   "p/NAME" value, "m/NAME" first moment, "v/NAME" second moment, "e/NAME" running average (EMA), and
//   "g0/NAME", "g1/NAME", ... one gradient for each of `gradients` equal parts of the batch, which are averaged;
// then the scalars "learning_rate", "average_decay", "beta1_power" and "beta2_power" (β to the power of the updates so
// far; a recurrence, since there is no pow). Gives the new p, m, v, e of each parameter under the same names, the new
// powers, and "gradient_norm" before clipping.
//
//   m' = β1·m + (1 − β1)·g     v' = β2·v + (1 − β2)·g²
//   p' = p − rate·decay·p − rate / (1 − β1ᵗ) · m' / (√v' / √(1 − β2ᵗ) + ε)
//   e' = e + (1 − average_decay)·(p' − e)
base::Result<exact::Graph> update_graph(const std::vector<models::Parameter>& parameters,
                                        const OptimizerSettings& settings, int gradients);

}  // namespace starling::train
