#include "generate/measure.h"

#include <algorithm>
#include <cmath>

#include "generate/measure_object.h"

namespace starling::generate {

namespace {

// Of the frames, how many must show the object for it to be there at all.
constexpr double kPresence = 0.5;
// Overlap with the best shape below which an object has no shape.
constexpr double kShapeless = 0.62;

base::Status check(const ClipView& clip) {
  const auto side = [](int value) { return value >= 16 && value <= 4096; };
  if (!side(clip.width) || !side(clip.height) || clip.frames < 1 || clip.frames > 4096 ||
      !(clip.fps > 0 && clip.fps <= 1000)) {
    return base::invalid("only clips of 1 to 4096 frames with sides of 16 to 4096 pixels can be measured");
  }
  const std::size_t pixels = static_cast<std::size_t>(clip.width) * static_cast<std::size_t>(clip.height) *
                             static_cast<std::size_t>(clip.frames);
  if (pixels > (std::size_t{1} << 28U)) return base::invalid("the clip has too many pixels to be measured");
  if (clip.rgb.size() != pixels * 3) return base::invalid("the clip's bytes do not match its size");
  return {};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <std::size_t N>
std::size_t largest(const std::array<double, N>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

Size size_of(double diameter) {
  std::size_t size = 0;
  while (size + 1 < kSizes && diameter > 0.5 * (kDiameterHigh[size] + kDiameterLow[size + 1])) ++size;
  return static_cast<Size>(size);
}

bool is_steady(const std::vector<TrackPoint>& track, double area, Colour colour) {
  return std::all_of(track.begin(), track.end(), [&](const TrackPoint& point) {
    return point.found && point.colour == colour && std::fabs(point.area - area) <= 0.3 * area;
  });
}

Camera camera_of(const ClipView& clip, double velocity) {
  const double seconds = clip.frames / clip.fps;
  const double slowest = kSlowestPan * std::min(1.0, 2.0 / seconds);
  if (std::fabs(velocity) < 0.5 * slowest) return Camera::kStill;
  return velocity < 0 ? Camera::kPanLeft : Camera::kPanRight;
}

}  // namespace

base::Result<Detection> measure(const ClipView& clip) {
  STARLING_TRY(check(clip));
  const PictureGeometry geometry(clip.width, clip.height);
  const Backdrop backdrop = measure_backdrop(clip);

  Detection found;
  found.attributes.sky = backdrop.sky;
  found.attributes.ground = backdrop.ground;
  std::vector<ObjectMask> masks;
  std::vector<double> areas;
  std::array<double, kColours> colours{};
  std::array<double, kShapes> shapes{};
  for (int frame = 0; frame < clip.frames; ++frame) {
    masks.push_back(find_object(clip, frame, backdrop));
    const ObjectMask& mask = masks.back();
    TrackPoint point{mask.found(), mask.x, mask.y, mask.area, std::nullopt};
    if (mask.found()) {
      areas.push_back(mask.area);
      const auto votes = colour_votes(clip, frame, mask, backdrop);
      for (std::size_t c = 0; c < kColours; ++c) colours[c] += votes[c];
      point.colour = static_cast<Colour>(largest(votes));
      const auto overlaps = shape_overlaps(mask);
      for (std::size_t s = 0; s < kShapes; ++s) shapes[s] += overlaps[s];
    }
    found.track.push_back(point);
  }
  if (clip.frames > 1 && backdrop.ground) {
    found.camera_velocity = measure_camera_velocity(clip, backdrop, masks);
    found.attributes.camera = camera_of(clip, found.camera_velocity);
  }
  if (static_cast<double>(areas.size()) < kPresence * clip.frames) return found;

  const auto shape = static_cast<Shape>(largest(shapes));
  const auto colour = static_cast<Colour>(largest(colours));
  const double area = median(areas);
  found.attributes.colour = colour;
  if (shapes[largest(shapes)] > kShapeless * static_cast<double>(areas.size())) found.attributes.shape = shape;
  found.diameter = diameter_from_area(shape, area) / geometry.scale;
  found.attributes.size = size_of(found.diameter);
  found.steady = is_steady(found.track, area, colour);

  // A triangle's centroid is a third of its height up, the others' half of theirs.
  const double to_base = height_in_diameters(shape) * (shape == Shape::kTriangle ? 1.0 / 3 : 0.5) * found.diameter;
  std::vector<CoursePoint> course;
  for (int frame = 0; frame < clip.frames; ++frame) {
    const TrackPoint& point = found.track[static_cast<std::size_t>(frame)];
    if (!point.found) continue;
    const double t = frame / clip.fps;
    course.push_back({t, (point.x - 0.5 * clip.width) / geometry.scale + found.camera_velocity * t,
                      (geometry.stand - point.y) / geometry.scale - to_base});
  }
  const MotionReading reading = read_motion(course, shape);
  found.attributes.motion = reading.motion;
  found.attributes.direction = reading.direction;
  found.gravity = reading.gravity;
  return found;
}

}  // namespace starling::generate
