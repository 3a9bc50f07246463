#include "train/first_world/dataset.h"

#include "base/encoding.h"
#include "train/first_world/caption.h"
#include "train/first_world/render.h"
#include "train/world/random.h"

namespace starling::train {

namespace {

// Sets training apart from evaluation, whose keys are derived from another constant.
constexpr std::uint64_t kTrainingKey = 0x747261696e696e67U;
// Part of identity(): raised when the same seed gives other pictures or captions.
constexpr std::uint32_t kWorldVersion = 1;

}  // namespace

base::Result<FirstWorldDataset> FirstWorldDataset::open(std::uint64_t seed, const ClipShape& shape, Split split) {
  FirstWorldDataset dataset(seed, shape, split);
  ClipShape one = shape;
  one.frames = shape.frames > 1 ? 1 : shape.frames;
  STARLING_ASSIGN(const auto first, render(Scene{}, one.width, one.height, one.frames, one.fps));
  if (shape.frames > 4096) return base::invalid("the world is drawn for at most 4096 frames");
  return dataset;
}

std::uint64_t FirstWorldDataset::key(std::uint64_t index) const { return derive(derive(kTrainingKey, seed_), index); }

Scene FirstWorldDataset::scene(std::uint64_t index) const {
  return sample_scene(key(index), scene_options(shape_.width, shape_.height, shape_.frames, shape_.fps, split_));
}

base::Result<Clip> FirstWorldDataset::clip(std::uint64_t index) const {
  STARLING_ASSIGN(auto rgb, render(scene(index), shape_.width, shape_.height, shape_.frames, shape_.fps));
  return Clip{shape_, std::move(rgb), caption(index, 0)};
}

std::string FirstWorldDataset::caption(std::uint64_t index, std::uint64_t epoch) const {
  const std::uint64_t variant = derive(derive(key(index), 2), epoch);
  const Language language = scatter(variant) % 3 == 0 ? Language::kChinese : Language::kEnglish;
  return train::caption(scene(index).attributes, language, variant);
}

base::Hash FirstWorldDataset::identity() const {
  base::Encoder encoder;
  encoder.text("starling world");
  encoder.u32(kWorldVersion);
  encoder.u64(seed_);
  encoder.u32(static_cast<std::uint32_t>(shape_.width));
  encoder.u32(static_cast<std::uint32_t>(shape_.height));
  encoder.u32(static_cast<std::uint32_t>(shape_.frames));
  encoder.f32(static_cast<float>(shape_.fps));
  encoder.u8(static_cast<std::uint8_t>(split_));
  return base::sha256(encoder.data());
}

}  // namespace starling::train
