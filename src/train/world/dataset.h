#pragma once

#include "train/dataset.h"
#include "train/world/caption.h"
#include "train/world/take.h"

namespace starling::train::world {

// Clips of the world drawn on the fly, about 500 of 17×64×64 a second on one core. Two captions in three are English,
// the others in either Chinese script.
class WorldDataset : public Dataset {
 public:
  // An error where the world cannot be drawn in that shape.
  static base::Result<WorldDataset> open(std::uint64_t seed, const ClipShape& shape, Split split = Split::kTrain);
  WorldDataset(WorldDataset&& other) noexcept : WorldDataset(other.seed_, other.shape_, other.split_) {}

  base::Result<Clip> clip(std::uint64_t index) const override;
  std::string caption(std::uint64_t index, std::uint64_t epoch) const override;
  base::Hash identity() const override;

  // All that is known of a clip.
  Take take(std::uint64_t index) const;

 private:
  WorldDataset(std::uint64_t seed, const ClipShape& shape, Split split) : seed_(seed), shape_(shape), split_(split) {}
  std::uint64_t key(std::uint64_t index) const;
  std::string caption(const Scenario& scenario, std::uint64_t index, std::uint64_t epoch) const;

  std::uint64_t seed_;
  ClipShape shape_;
  Split split_;
};

}  // namespace starling::train::world
