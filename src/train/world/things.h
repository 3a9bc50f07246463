#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "generate/attributes.h"
#include "train/world/paint.h"

namespace starling::train::world {

using generate::Colour;
using generate::Direction;
using generate::Size;

// The numbers are stable: seeds and the held-out rule depend on them.
enum class Shape : std::uint8_t { kBall, kBox, kTriangle, kStar };
enum class Pattern : std::uint8_t { kPlain, kStriped, kDotted };
// What a thing does of its own accord. Balls travel by rolling, the others by sliding.
enum class Motion : std::uint8_t { kStay, kFall, kBounce, kTravel, kFly, kSwing };

inline constexpr std::size_t kShapes = 4;
inline constexpr std::size_t kPatterns = 3;
inline constexpr std::size_t kMotions = 6;

struct Thing {
  Shape shape = Shape::kBall;
  Colour colour = Colour::kRed;
  Size size = Size::kMedium;
  Pattern pattern = Pattern::kPlain;
  Motion motion = Motion::kStay;
  double diameter = 3.3;  // metres, of the ball; other shapes are scaled to look as large

  // Whether a caption that does not number them can tell them apart.
  bool looks_like(const Thing& other) const { return shape == other.shape && colour == other.colour; }
};

std::string_view name(Shape shape);
std::string_view name(Pattern pattern);
std::string_view name(Motion motion);

// Diameters by Size, each in [low, high].
inline constexpr std::array<double, generate::kSizes> kDiameterLow = {2.2, 3.2, 4.4};
inline constexpr std::array<double, generate::kSizes> kDiameterHigh = {2.5, 3.5, 4.8};

// Of a thing of diameter 1 standing upright: half its width, how far its centroid lies over its base, and how far its
// top over its centroid.
double half_width(Shape shape);
double base(Shape shape);
double top(Shape shape);

// A star's tips and inner corners lie so far from its middle, in diameters.
inline constexpr double kStarTip = 0.72;
inline constexpr double kStarCorner = 0.33;
// A box's and a triangle's side in diameters.
inline constexpr double kBoxSide = 0.886;
inline constexpr double kTriangleSide = 1.3;

// Whether a composition is kept out of training, by rule: one in nine, spread over colours, shapes and motions. Every
// pair of colour, shape and motion is trained on in other compositions. "A red ball bounces" is trained on.
bool held_out(Colour colour, Shape shape, Motion motion);
inline bool held_out(const Thing& thing) { return held_out(thing.colour, thing.shape, thing.motion); }

}  // namespace starling::train::world
