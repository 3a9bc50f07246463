#pragma once

#include "train/dataset.h"
#include "train/first_world/scene.h"

namespace starling::train {

// Clips of the first world drawn on the fly, more than 500 of 17×64×64 a second. Two captions in three are English.
class FirstWorldDataset : public Dataset {
 public:
  // An error where the world cannot be drawn in that shape.
  static base::Result<FirstWorldDataset> open(std::uint64_t seed, const ClipShape& shape, Split split = Split::kTrain);
  FirstWorldDataset(FirstWorldDataset&& other) noexcept : FirstWorldDataset(other.seed_, other.shape_, other.split_) {}

  base::Result<Clip> clip(std::uint64_t index) const override;
  std::string caption(std::uint64_t index, std::uint64_t epoch) const override;
  base::Hash identity() const override;

  Scene scene(std::uint64_t index) const;

 private:
  FirstWorldDataset(std::uint64_t seed, const ClipShape& shape, Split split)
      : seed_(seed), shape_(shape), split_(split) {}
  std::uint64_t key(std::uint64_t index) const;

  std::uint64_t seed_;
  ClipShape shape_;
  Split split_;
};

}  // namespace starling::train
