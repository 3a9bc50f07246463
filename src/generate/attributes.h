#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace starling::generate {

// What a clip of the bundled model's world shows. The generator (train/first_world) chooses these, captions name them,
// and the measurements read them back from pixels. The numbers are stable: seeds and the held-out rule depend on them.

enum class Colour : std::uint8_t { kRed, kGreen, kBlue, kYellow, kOrange, kPurple, kWhite, kBlack };
enum class Shape : std::uint8_t { kBall, kBox, kTriangle };
enum class Size : std::uint8_t { kSmall, kMedium, kBig };
// Balls roll; boxes and triangles slide. Every shape does all the others.
enum class Motion : std::uint8_t { kStay, kBounce, kRoll, kSlide, kRise, kFall, kOrbit };
// Of the object over the ground, not over the picture.
enum class Direction : std::uint8_t { kNone, kLeft, kRight };
enum class Ground : std::uint8_t { kGreen, kSand, kGrey, kBlue };
enum class Sky : std::uint8_t { kBlue, kGrey, kNight };
enum class Camera : std::uint8_t { kStill, kPanLeft, kPanRight };

inline constexpr std::size_t kColours = 8;
inline constexpr std::size_t kShapes = 3;
inline constexpr std::size_t kSizes = 3;
inline constexpr std::size_t kMotions = 7;
inline constexpr std::size_t kDirections = 3;
inline constexpr std::size_t kGrounds = 4;
inline constexpr std::size_t kSkies = 3;
inline constexpr std::size_t kCameras = 3;

struct Attributes {
  Colour colour = Colour::kRed;
  Shape shape = Shape::kBall;
  Size size = Size::kMedium;
  Motion motion = Motion::kStay;
  Direction direction = Direction::kNone;
  Ground ground = Ground::kGreen;
  Sky sky = Sky::kBlue;
  Camera camera = Camera::kStill;

  auto operator<=>(const Attributes&) const = default;
};

// What a caption says, or what a measurement found; an empty field is one that it does not say or did not find.
struct PartialAttributes {
  std::optional<Colour> colour;
  std::optional<Shape> shape;
  std::optional<Size> size;
  std::optional<Motion> motion;
  std::optional<Direction> direction;
  std::optional<Ground> ground;
  std::optional<Sky> sky;
  std::optional<Camera> camera;

  bool operator==(const PartialAttributes&) const = default;
};

// The English names as they are printed and put into JSON.
std::string_view name(Colour colour);
std::string_view name(Shape shape);
std::string_view name(Size size);
std::string_view name(Motion motion);
std::string_view name(Direction direction);
std::string_view name(Ground ground);
std::string_view name(Sky sky);
std::string_view name(Camera camera);

// The world's geometry, in metres. The shorter side of every picture shows kViewMetres, whatever its size; the longer
// side shows more of the world.
inline constexpr double kViewMetres = 16.0;
inline constexpr double kGravity = 9.81;  // metres per second squared
// From the bottom of the picture up to where objects stand, and up to the horizon.
inline constexpr double kStandMetres = 2.75;
inline constexpr double kHorizonMetres = 5.0;
// Diameters by Size, each in [low, high].
inline constexpr std::array<double, kSizes> kDiameterLow = {3.0, 4.0, 5.1};
inline constexpr std::array<double, kSizes> kDiameterHigh = {3.3, 4.3, 5.5};
// The ground's pattern: a light and a dark stripe where objects stand. Stripes fan out towards the viewer: a row's are
// 1 + kStripeFan · (its distance below where objects stand / the horizon's distance above) times as wide.
inline constexpr double kStripeMetres = 4.0;
inline constexpr double kStripeFan = 0.3;
inline constexpr double kStripeShade = 0.84;  // of the dark stripe
inline constexpr double kShadowShade = 0.62;  // under an object on the ground
// Slowest pan; a clip longer than two seconds pans by as much in all.
inline constexpr double kSlowestPan = 1.7;

// A shape's bounding box in diameters.
double width_in_diameters(Shape shape);
double height_in_diameters(Shape shape);

// 8-bit sRGB.
using Rgb = std::array<std::uint8_t, 3>;

// The paint of the world: what an object's flat part, the ground at its lightest, and the sky at the top and at the
// horizon look like before shading.
Rgb paint(Colour colour);
Rgb ground_paint(Ground ground, Sky sky);
Rgb sky_top_paint(Sky sky);
Rgb sky_horizon_paint(Sky sky);

}  // namespace starling::generate
