#include "train/world/things.h"

namespace starling::train::world {

namespace {

// Of an equilateral triangle of side 1 and of a star whose tips lie 1 from its middle.
constexpr double kTriangleBase = 0.28867513459481287;
constexpr double kTriangleTop = 0.57735026918962573;
constexpr double kStarBase = 0.80901699437494745;
constexpr double kStarHalfWidth = 0.95105651629515353;

struct ShapeRow {
  std::string_view name;
  double half_width, base, top;
};
constexpr std::array<ShapeRow, kShapes> kShapeTable = {{
    {"ball", 0.5, 0.5, 0.5},
    {"box", 0.5 * kBoxSide, 0.5 * kBoxSide, 0.5 * kBoxSide},
    {"triangle", 0.5 * kTriangleSide, kTriangleBase* kTriangleSide, kTriangleTop* kTriangleSide},
    {"star", kStarHalfWidth* kStarTip, kStarBase* kStarTip, kStarTip},
}};
constexpr std::array<std::string_view, kPatterns> kPatternNames = {"plain", "striped", "dotted"};
constexpr std::array<std::string_view, kMotions> kMotionNames = {"stay", "fall", "bounce", "travel", "fly", "swing"};

const ShapeRow& row(Shape shape) { return kShapeTable[static_cast<std::size_t>(shape) % kShapes]; }

}  // namespace

std::string_view name(Shape shape) { return row(shape).name; }
std::string_view name(Pattern pattern) { return kPatternNames[static_cast<std::size_t>(pattern) % kPatterns]; }
std::string_view name(Motion motion) { return kMotionNames[static_cast<std::size_t>(motion) % kMotions]; }

double half_width(Shape shape) { return row(shape).half_width; }
double base(Shape shape) { return row(shape).base; }
double top(Shape shape) { return row(shape).top; }

bool held_out(Colour colour, Shape shape, Motion motion) {
  const auto m = static_cast<unsigned>(motion);
  return (static_cast<unsigned>(colour) + 3 * static_cast<unsigned>(shape) + 2 * m + m / 3) % 9 == 5;
}

}  // namespace starling::train::world
