#include "train/evaluation/outline_fit.h"

#include <algorithm>
#include <cmath>

#include "train/world/angle.h"
#include "train/world/outline.h"

namespace starling::train::evaluation {

namespace {

using world::Shape;

constexpr double kBallArea = 0.78539816339744831;
constexpr double kTriangleArea = 0.43301270189221932 * world::kTriangleSide * world::kTriangleSide;
constexpr double kStarArea = 5 * world::kStarTip * world::kStarCorner * 0.58778525229247314;
// In squares of the diameter, by Shape.
constexpr std::array<double, world::kShapes> kAreas = {kBallArea, world::kBoxSide* world::kBoxSide, kTriangleArea,
                                                       kStarArea};
// How far a shape turns until it looks as before, in turns, by Shape.
constexpr std::array<double, world::kShapes> kSymmetry = {0.0, 0.25, 1.0 / 3, 0.2};
constexpr int kAngles = 6;
// A window is looked at on at most so many points a side.
constexpr int kPoints = 28;

class Fit {
 public:
  Fit(const Blob& blob, Shape shape) : blob_(blob), shape_(shape) {
    step_ = std::max(1, std::max(blob.width, blob.height) / kPoints);
  }

  OutlineFit best() {
    OutlineFit best = start(0);
    const double symmetry = kSymmetry[static_cast<std::size_t>(shape_)];
    for (int i = 1; i < kAngles && symmetry > 0; ++i) keep(start(symmetry * i / kAngles), best);
    refine(best, 3, 0.08);
    return best;
  }

  OutlineFit placed(double diameter, double turns) {
    sized_ = false;
    OutlineFit best{0, blob_.x, blob_.y, diameter, turns};
    best.overlap = overlap(best);
    refine(best, 4, 0.08);
    return best;
  }

 private:
  void refine(OutlineFit& best, int rounds, double size) {
    const double symmetry = kSymmetry[static_cast<std::size_t>(shape_)];
    double angle = symmetry / (2 * kAngles);
    for (int round = 0; round < rounds; ++round, size *= 0.5, angle *= 0.5) {
      for (const double sign : {-1.0, 1.0}) {
        if (symmetry > 0) keep(moved(best, 0, 0, 0, sign * angle), best);
        keep(moved(best, sign * size, 0, 0, 0), best);
        keep(moved(best, 0, sign * size, 0, 0), best);
        if (sized_) keep(moved(best, 0, 0, sign * size, 0), best);
      }
    }
  }

  OutlineFit start(double turns) {
    OutlineFit fit{0, blob_.x, blob_.y, diameter_of_area(shape_, blob_.area), turns};
    fit.overlap = overlap(fit);
    return fit;
  }
  OutlineFit moved(const OutlineFit& from, double right, double down, double larger, double turned) {
    OutlineFit fit = from;
    fit.x += right * from.diameter;
    fit.y += down * from.diameter;
    fit.diameter *= 1 + larger;
    fit.turns += turned;
    fit.overlap = overlap(fit);
    return fit;
  }
  static void keep(const OutlineFit& candidate, OutlineFit& best) {
    if (candidate.overlap > best.overlap) best = candidate;
  }

  double overlap(const OutlineFit& fit) const {
    const SineCosine turn = sine_cosine(fit.turns);
    double both = 0;
    double either = 0;
    for (int y = 0; y < blob_.height; y += step_) {
      for (int x = 0; x < blob_.width; x += step_) {
        const double dx = (blob_.left + x + 0.5 - fit.x) / fit.diameter;
        const double dy = (fit.y - (blob_.top + y + 0.5)) / fit.diameter;
        const world::Point p{dx * turn.cosine + dy * turn.sine, dy * turn.cosine - dx * turn.sine};
        const double shown = clamp01(0.5 - world::distance(shape_, p) * fit.diameter / step_);
        const double seen =
            static_cast<double>(blob_.cover[static_cast<std::size_t>(y) * static_cast<std::size_t>(blob_.width) +
                                            static_cast<std::size_t>(x)]);
        both += std::min(shown, seen);
        either += std::max(shown, seen);
      }
    }
    return either > 0 ? both / either : 0;
  }

  const Blob& blob_;
  Shape shape_;
  int step_;
  bool sized_ = true;
};

}  // namespace

double diameter_of_area(Shape shape, double area) {
  return std::sqrt(area / kAreas[static_cast<std::size_t>(shape) % world::kShapes]);
}

OutlineFit place_outline(const Blob& blob, Shape shape, double diameter, double turns) {
  return Fit(blob, shape).placed(diameter, turns);
}

std::array<OutlineFit, world::kShapes> fit_outlines(const Blob& blob) {
  std::array<OutlineFit, world::kShapes> fits;
  for (std::size_t s = 0; s < world::kShapes; ++s) fits[s] = Fit(blob, static_cast<Shape>(s)).best();
  return fits;
}

}  // namespace starling::train::evaluation
