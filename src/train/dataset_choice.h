#pragma once

#include <memory>

#include "base/result.h"
#include "train/dataset.h"
#include "train/recipe.h"

namespace starling::train {

// The shape of a recipe's clips.
ClipShape clip_shape(const Recipe& recipe);

// The clips that a recipe names, and others to measure with: of the world, compositions that training never shows; of a
// folder, the same clips, since a folder does not say what to hold out.
struct Datasets {
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> held_out;
};
base::Result<Datasets> open_datasets(const Recipe& recipe);
// The same in another shape.
base::Result<Datasets> open_datasets(const Recipe& recipe, const ClipShape& shape);

}  // namespace starling::train
