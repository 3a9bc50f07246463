#include "generate/measure_object.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starling::generate {

namespace {

// Distance in RGB from the backdrop at which a pixel may belong to the object; and, as a part of the distance that the
// object's middle would have in that row, at which it does, so that a blurred edge is cut in its middle.
constexpr double kDistinct = 40;
constexpr double kEdge = 0.36;
// The darkest the ground gets under a shadow, and the lightest, as parts of the row's middle.
constexpr double kDarkestGround = 0.5;
constexpr double kLightestGround = 1.2;
// Objects smaller than this part of the smallest ball's area are specks.
constexpr double kSpeck = 0.3;

using Paint = std::array<double, 3>;

double square(double value) { return value * value; }

double distance(const std::uint8_t* pixel, const Paint& paint, double factor) {
  return std::sqrt(square(pixel[0] - factor * paint[0]) + square(pixel[1] - factor * paint[1]) +
                   square(pixel[2] - factor * paint[2]));
}

// The factor in [low, high] by which paint comes nearest to the pixel.
double best_factor(const std::uint8_t* pixel, const Paint& paint, double low, double high) {
  const double norm = paint[0] * paint[0] + paint[1] * paint[1] + paint[2] * paint[2];
  if (norm == 0) return low;
  return std::clamp((pixel[0] * paint[0] + pixel[1] * paint[1] + pixel[2] * paint[2]) / norm, low, high);
}

// How unlike the backdrop a pixel is. The ground may be lighter or darker: stripes and shadows.
double distinctness(const std::uint8_t* pixel, int y, const Backdrop& backdrop) {
  const Paint& row = backdrop.rows[static_cast<std::size_t>(y)];
  if (y < backdrop.ground_from) return distance(pixel, row, 1);
  const double ground = distance(pixel, row, best_factor(pixel, row, kDarkestGround, kLightestGround));
  if (y > backdrop.ground_from) return ground;
  // The horizon may lie within this row.
  const Paint& above = backdrop.rows[static_cast<std::size_t>(std::max(0, y - 1))];
  return std::min(ground, distance(pixel, above, 1));
}

// The connected pixels more distinct than their rows' thresholds.
class Components {
 public:
  Components(int width, int height, const std::vector<double>& distinct, const std::vector<double>& thresholds)
      : width_(width), height_(height), distinct_(distinct), free_(distinct.size()) {
    for (std::size_t y = 0, at = 0; y < thresholds.size(); ++y) {
      for (int x = 0; x < width; ++x, ++at) free_[at] = distinct[at] > thresholds[y] ? 1 : 0;
    }
  }

  // The indices of the pixels of the component with the largest sum of distinctness; empty if there is none.
  std::vector<int> heaviest() {
    std::vector<int> best;
    double best_weight = 0;
    for (int start = 0; start < width_ * height_; ++start) {
      if (free_[static_cast<std::size_t>(start)] == 0) continue;
      double weight = 0;
      std::vector<int> pixels = flood(start, weight);
      if (weight > best_weight) {
        best_weight = weight;
        best = std::move(pixels);
      }
    }
    return best;
  }

 private:
  std::vector<int> flood(int start, double& weight) {
    std::vector<int> pixels = {start};
    free_[static_cast<std::size_t>(start)] = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const int at = pixels[i];
      weight += distinct_[static_cast<std::size_t>(at)];
      const int x = at % width_;
      const int neighbours[4] = {x > 0 ? at - 1 : -1, x + 1 < width_ ? at + 1 : -1, at - width_,
                                 at + width_ < width_ * height_ ? at + width_ : -1};
      for (const int next : neighbours) {
        if (next < 0 || free_[static_cast<std::size_t>(next)] == 0) continue;
        free_[static_cast<std::size_t>(next)] = 0;
        pixels.push_back(next);
      }
    }
    return pixels;
  }

  int width_, height_;
  const std::vector<double>& distinct_;
  std::vector<std::uint8_t> free_;  // distinct, and in no component so far
};

// The middle value of each channel over pixels of a frame.
std::array<std::uint8_t, 3> typical_colour(const std::uint8_t* frame, const std::vector<int>& pixels) {
  std::array<std::uint8_t, 3> colour{};
  std::vector<std::uint8_t> values(pixels.size());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < pixels.size(); ++i) values[i] = frame[static_cast<std::size_t>(pixels[i]) * 3 + c];
    std::nth_element(values.begin(), middle, values.end());
    colour[c] = *middle;
  }
  return colour;
}

// The pixels of the object, or none.
std::vector<int> object_pixels(const ClipView& clip, const std::uint8_t* frame, const Backdrop& backdrop) {
  std::vector<double> distinct(static_cast<std::size_t>(clip.width) * static_cast<std::size_t>(clip.height));
  for (int y = 0, at = 0; y < clip.height; ++y) {
    for (int x = 0; x < clip.width; ++x, ++at) {
      distinct[static_cast<std::size_t>(at)] = distinctness(frame + static_cast<std::size_t>(at) * 3, y, backdrop);
    }
  }
  std::vector<double> thresholds(static_cast<std::size_t>(clip.height), kDistinct);
  std::vector<int> rough = Components(clip.width, clip.height, distinct, thresholds).heaviest();
  if (rough.empty()) return rough;
  const auto colour = typical_colour(frame, rough);
  for (int y = 0; y < clip.height; ++y) {
    double& threshold = thresholds[static_cast<std::size_t>(y)];
    threshold = std::max(threshold, kEdge * distinctness(colour.data(), y, backdrop));
  }
  return Components(clip.width, clip.height, distinct, thresholds).heaviest();
}

// Marks what the mask surrounds: pixels from which its bounds' edge cannot be reached.
void fill_holes(std::vector<std::uint8_t>& inside, int width, int height) {
  std::vector<std::uint8_t> outside(inside.size(), 0);
  std::vector<int> queue;
  const auto reach = [&](int x, int y) {
    const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    if (inside[at] != 0 || outside[at] != 0) return;
    outside[at] = 1;
    queue.push_back(y * width + x);
  };
  for (int x = 0; x < width; ++x) {
    reach(x, 0);
    reach(x, height - 1);
  }
  for (int y = 0; y < height; ++y) {
    reach(0, y);
    reach(width - 1, y);
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const int x = queue[i] % width;
    const int y = queue[i] / width;
    if (x > 0) reach(x - 1, y);
    if (x + 1 < width) reach(x + 1, y);
    if (y > 0) reach(x, y - 1);
    if (y + 1 < height) reach(x, y + 1);
  }
  for (std::size_t i = 0; i < inside.size(); ++i) inside[i] = outside[i] == 0 ? 1 : 0;
}

// Whether a point, relative to the centroid, is within a shape of that diameter.
bool within(Shape shape, double diameter, double dx, double dy) {
  switch (shape) {
    case Shape::kBall:
      return square(dx) + square(dy) <= square(0.5 * diameter);
    case Shape::kBox: {
      const double half = 0.5 * width_in_diameters(shape) * diameter;
      return std::fabs(dx) <= half && std::fabs(dy) <= half;
    }
    case Shape::kTriangle: {
      const double height = height_in_diameters(shape) * diameter;
      const double from_top = dy + height * 2 / 3;
      const double half = 0.5 * width_in_diameters(shape) * diameter * from_top / height;
      return from_top <= height && std::fabs(dx) <= half;
    }
  }
  return false;
}

}  // namespace

ObjectMask find_object(const ClipView& clip, int frame, const Backdrop& backdrop) {
  const std::size_t count = static_cast<std::size_t>(clip.width) * static_cast<std::size_t>(clip.height);
  const std::uint8_t* pixels = clip.rgb.data() + static_cast<std::size_t>(frame) * count * 3;
  const std::vector<int> component = object_pixels(clip, pixels, backdrop);
  ObjectMask mask;
  const double scale = PictureGeometry(clip.width, clip.height).scale;
  if (static_cast<double>(component.size()) < kSpeck * std::numbers::pi / 4 * square(kDiameterLow[0] * scale))
    return mask;

  mask.left = clip.width;
  mask.top = clip.height;
  for (const int at : component) {
    mask.left = std::min(mask.left, at % clip.width);
    mask.right = std::max(mask.right, at % clip.width);
    mask.top = std::min(mask.top, at / clip.width);
    mask.bottom = std::max(mask.bottom, at / clip.width);
  }
  const int width = mask.right - mask.left + 1;
  const int height = mask.bottom - mask.top + 1;
  mask.inside.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 0);
  for (const int at : component) {
    mask.inside[static_cast<std::size_t>((at / clip.width - mask.top) * width + at % clip.width - mask.left)] = 1;
  }
  fill_holes(mask.inside, width, height);
  for (int y = mask.top; y <= mask.bottom; ++y) {
    for (int x = mask.left; x <= mask.right; ++x) {
      if (!mask.covers(x, y)) continue;
      mask.area += 1;
      mask.x += x + 0.5;
      mask.y += y + 0.5;
    }
  }
  mask.x /= mask.area;
  mask.y /= mask.area;
  return mask;
}

double diameter_from_area(Shape shape, double area) {
  const double box = width_in_diameters(shape) * height_in_diameters(shape);
  const double fill = shape == Shape::kBall ? std::numbers::pi / 4 : shape == Shape::kTriangle ? 0.5 : 1.0;
  return std::sqrt(area / (box * fill));
}

std::array<double, kShapes> shape_overlaps(const ObjectMask& mask) {
  std::array<double, kShapes> overlaps{};
  for (std::size_t s = 0; s < kShapes; ++s) {
    const auto shape = static_cast<Shape>(s);
    const double diameter = diameter_from_area(shape, mask.area);
    const int reach = static_cast<int>(0.75 * diameter) + 2;
    const int x0 = static_cast<int>(mask.x) - reach;
    const int y0 = static_cast<int>(mask.y) - reach;
    double common = 0;
    double either = mask.area;
    for (int y = y0; y <= y0 + 2 * reach; ++y) {
      for (int x = x0; x <= x0 + 2 * reach; ++x) {
        if (!within(shape, diameter, x + 0.5 - mask.x, y + 0.5 - mask.y)) continue;
        if (mask.covers(x, y)) {
          common += 1;
        } else {
          either += 1;
        }
      }
    }
    overlaps[s] = common / either;
  }
  return overlaps;
}

std::array<double, kColours> colour_votes(const ClipView& clip, int frame, const ObjectMask& mask,
                                          const Backdrop& backdrop) {
  std::array<double, kColours> votes{};
  for (int y = mask.top; y <= mask.bottom; ++y) {
    for (int x = mask.left; x <= mask.right; ++x) {
      if (!mask.covers(x, y)) continue;
      const auto at =
          (static_cast<std::size_t>(frame) * static_cast<std::size_t>(clip.height) + static_cast<std::size_t>(y)) *
              static_cast<std::size_t>(clip.width) +
          static_cast<std::size_t>(x);
      const std::uint8_t* pixel = clip.rgb.data() + at * 3;
      std::size_t best = 0;
      double least = 1e9;
      for (std::size_t c = 0; c < kColours; ++c) {
        const Rgb rgb = paint(static_cast<Colour>(c));
        const Paint flat = {static_cast<double>(rgb[0]), static_cast<double>(rgb[1]), static_cast<double>(rgb[2])};
        // Shading, and the darker rim; a dark grey is no longer white, nor a lighter one black.
        const double low = static_cast<Colour>(c) == Colour::kWhite ? 0.75 : 0.6;
        const double high = static_cast<Colour>(c) == Colour::kBlack ? 2.2 : 1.2;
        const double off = distance(pixel, flat, best_factor(pixel, flat, low, high));
        if (off < least) {
          least = off;
          best = c;
        }
      }
      // Pixels at the edge, mixed with the backdrop, count for little.
      votes[best] += distinctness(pixel, y, backdrop);
    }
  }
  return votes;
}

}  // namespace starling::generate
