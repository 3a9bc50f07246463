#include <algorithm>

#include "train/world/stage.h"

namespace starling::train::world {

namespace {

constexpr int kDraws = 400;

}  // namespace

bool Casting::allowed(const Thing& thing) const {
  if (std::any_of(cast_.begin(), cast_.end(), [&](const Thing& other) { return other.looks_like(thing); }))
    return false;
  if (split_ == Split::kTrain) return !held_out(thing);
  return split_ == Split::kAny || !cast_.empty() || held_out(thing);
}

Thing Casting::cast(Motion motion, Shapes shapes, Size largest, double room, Size smallest) {
  const auto least = static_cast<std::uint32_t>(smallest);
  Thing thing;
  thing.motion = motion;
  for (int i = 0; i < kDraws; ++i) {
    thing.shape = static_cast<Shape>(random_.below(kShapes));
    thing.colour = static_cast<Colour>(random_.below(generate::kColours));
    thing.size = static_cast<Size>(least + random_.below(static_cast<std::uint32_t>(largest) - least + 1));
    const auto size = static_cast<std::size_t>(thing.size);
    thing.diameter = random_.between(kDiameterLow[size], kDiameterHigh[size]);
    if ((shapes >> static_cast<unsigned>(thing.shape) & 1U) == 0 || !allowed(thing)) continue;
    if (2 * half_width(thing.shape) * thing.diameter > room) continue;
    // Patterns need room to be seen.
    const Size enough = thing.shape == Shape::kStar ? Size::kBig : Size::kMedium;
    if (thing.size >= enough && random_.chance(0.3)) {
      thing.pattern = random_.chance(0.5) ? Pattern::kStriped : Pattern::kDotted;
    }
    cast_.push_back(thing);
    return thing;
  }
  failed_ = true;
  return thing;
}

Thing Casting::again(const Thing& thing) {
  Thing other = thing;
  const auto size = static_cast<std::size_t>(thing.size);
  other.diameter = random_.between(kDiameterLow[size], kDiameterHigh[size]);
  return other;
}

}  // namespace starling::train::world
