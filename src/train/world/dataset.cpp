#include "train/world/dataset.h"

#include "base/encoding.h"
#include "train/world/random.h"

namespace starling::train::world {

namespace {

// Sets training apart from whoever else draws takes by number.
constexpr std::uint64_t kTrainingKey = 0x776f726c64747261U;
// Part of identity(): raised when the same seed gives other pictures or captions.
constexpr std::uint32_t kVersion = 2;

}  // namespace

base::Result<WorldDataset> WorldDataset::open(std::uint64_t seed, const ClipShape& shape, Split split) {
  STARLING_TRY(check(shape));
  return WorldDataset(seed, shape, split);
}

std::uint64_t WorldDataset::key(std::uint64_t index) const { return derive(derive(kTrainingKey, seed_), index); }

Take WorldDataset::take(std::uint64_t index) const {
  TakeOptions options;
  options.shape = shape_;
  options.split = split_;
  return world::take(key(index), options);
}

base::Result<Clip> WorldDataset::clip(std::uint64_t index) const {
  const Take taken = take(index);
  return Clip{shape_, pixels(taken), caption(taken.scenario, index, 0)};
}

std::string WorldDataset::caption(std::uint64_t index, std::uint64_t epoch) const {
  return caption(take(index).scenario, index, epoch);
}

std::string WorldDataset::caption(const Scenario& scenario, std::uint64_t index, std::uint64_t epoch) const {
  const std::uint64_t variant = derive(derive(key(index), 2), epoch);
  constexpr std::uint64_t kEnglishInSix = 4;
  const std::uint64_t draw = scatter(variant) % 6;
  const Language language = draw < kEnglishInSix    ? Language::kEnglish
                            : draw == kEnglishInSix ? Language::kSimplified
                                                    : Language::kTraditional;
  return world::caption(scenario, language, variant);
}

base::Hash WorldDataset::identity() const {
  base::Encoder encoder;
  encoder.text("starling world, second version");
  encoder.u32(kVersion);
  encoder.u64(seed_);
  encoder.u32(static_cast<std::uint32_t>(shape_.width));
  encoder.u32(static_cast<std::uint32_t>(shape_.height));
  encoder.u32(static_cast<std::uint32_t>(shape_.frames));
  encoder.f32(static_cast<float>(shape_.fps));
  encoder.u8(static_cast<std::uint8_t>(split_));
  return base::sha256(encoder.data());
}

}  // namespace starling::train::world
