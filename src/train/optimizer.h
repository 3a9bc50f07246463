#pragma once

#include <vector>

#include "base/result.h"
#include "exact/graph.h"
#include "models/parameters.h"

namespace starling::train {

// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) after clipping the gradient's norm over
// all parameters together; or, for matrices, Muon (Jordan et al., "Muon: an optimizer for hidden layers", 2024).
struct OptimizerSettings {
  float beta1 = 0.9F;
  float beta2 = 0.99F;
  float epsilon = 1e-8F;
  float weight_decay = 0.01F;    // of tensors with two axes or more: weights, but not biases and gains
  float clip = 1.0F;             // the largest norm a gradient may keep
  float matrix_momentum = 0.0F;  // of Muon, 0.95 as a rule; 0: AdamW for all parameters
  float text_rate = 1.0F;        // of the rate, what parameters named "text_encoder/..." are moved at
};

// Whether Muon, if it is asked for, updates a parameter: one that is a matrix of 16 rows and columns at least when all
// axes after the first are taken as one, and that no name calls a table of embeddings ("shared.weight" and
// "relative_attention_bias.weight", of which a batch reads some rows only).
bool is_matrix(const models::Parameter& parameter);

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
//
// A matrix of r rows and c columns that Muon updates, with μ = matrix_momentum, has instead
//
//   m' = μ·m + (1 − μ)·g     u = μ·m' + (1 − μ)·g     v' = v
//   p' = p − rate·decay·p − rate·0.2·√max(r, c)·O(u)
//
// where O, by five iterations of Newton and Schulz, is near the orthogonal matrix closest to u: X = u / (‖u‖ + 1e-7),
// transposed if r > c, then X ← aX + (bA + cA²)X with A = XXᵀ and (a, b, c) = (3.4445, −4.7750, 2.0315). The factor
// gives a move the size that AdamW's has (Liu et al., "Muon is scalable for LLM training", 2025, section 2.2), so both
// share the rate.
base::Result<exact::Graph> update_graph(const std::vector<models::Parameter>& parameters,
                                        const OptimizerSettings& settings, int gradients);

}  // namespace starling::train
