#include "train/dataset_choice.h"

#include "base/interrupt.h"
#include "train/dataset_folder.h"
#include "train/first_world/dataset.h"
#include "train/world/dataset.h"

namespace starling::train {

namespace {

template <typename World>
base::Result<Datasets> world_datasets(std::uint64_t seed, const ClipShape& shape) {
  STARLING_ASSIGN(World training, World::open(seed, shape, Split::kTrain));
  STARLING_ASSIGN(World held_out, World::open(seed, shape, Split::kHeldOut));
  return Datasets{std::make_shared<World>(std::move(training)), std::make_shared<World>(std::move(held_out))};
}

}  // namespace

ClipShape clip_shape(const Recipe& recipe) {
  return {static_cast<int>(recipe.width), static_cast<int>(recipe.height), static_cast<int>(recipe.frames),
          static_cast<double>(recipe.frames_per_second)};
}

base::Result<Datasets> open_datasets(const Recipe& recipe) { return open_datasets(recipe, clip_shape(recipe)); }

base::Result<Datasets> open_datasets(const Recipe& recipe, const ClipShape& shape) {
  if (recipe.source == "world") {
    return recipe.world == 1 ? world_datasets<FirstWorldDataset>(recipe.seed, shape)
                             : world_datasets<world::WorldDataset>(recipe.seed, shape);
  }
  STARLING_ASSIGN(FolderDataset folder, FolderDataset::open(recipe.source, shape, recipe.seed));
  STARLING_TRY(folder.check([](std::size_t) { return base::check_interrupt(); }));
  Datasets datasets;
  datasets.training = std::make_shared<FolderDataset>(std::move(folder));
  datasets.held_out = datasets.training;
  return datasets;
}

}  // namespace starling::train
