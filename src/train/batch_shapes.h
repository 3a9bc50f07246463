#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "train/clip_shape.h"
#include "train/recipe.h"

namespace starling::train {

// Clips of one shape, as many as one gradient takes.
struct BatchShape {
  ClipShape clip;
  std::int64_t batch = 1;
};

// The shapes that a transformer's gradients are drawn from, each as likely as another: the recipe's own first, then
// those of its `shapes`, in batches that have about as many tokens.
base::Result<std::vector<BatchShape>> batch_shapes(const Recipe& recipe);

}  // namespace starling::train
