#include "train/dataset_choice.h"

#include "base/interrupt.h"
#include "train/dataset_folder.h"

namespace starling::train {

ClipShape clip_shape(const Recipe& recipe) {
  return {static_cast<int>(recipe.width), static_cast<int>(recipe.height), static_cast<int>(recipe.frames),
          static_cast<double>(recipe.frames_per_second)};
}

base::Result<Datasets> open_datasets(const Recipe& recipe) {
  const ClipShape shape = clip_shape(recipe);
  Datasets datasets;
  if (recipe.source == "world") {
    STARLING_ASSIGN(WorldDataset training, WorldDataset::open(recipe.seed, shape, Split::kTrain));
    STARLING_ASSIGN(WorldDataset held_out, WorldDataset::open(recipe.seed, shape, Split::kHeldOut));
    datasets.training = std::make_shared<WorldDataset>(std::move(training));
    datasets.held_out = std::make_shared<WorldDataset>(std::move(held_out));
    return datasets;
  }
  STARLING_ASSIGN(FolderDataset folder, FolderDataset::open(recipe.source, shape, recipe.seed));
  STARLING_TRY(folder.check([](std::size_t) { return base::check_interrupt(); }));
  datasets.training = std::make_shared<FolderDataset>(std::move(folder));
  datasets.held_out = datasets.training;
  return datasets;
}

}  // namespace starling::train
