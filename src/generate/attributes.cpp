#include "generate/attributes.h"

namespace starling::generate {

namespace {

template <typename T, std::size_t N, typename E>
constexpr const T& at(const std::array<T, N>& table, E value) {
  return table[static_cast<std::size_t>(value) % N];
}

constexpr std::array<std::string_view, kColours> kColourNames = {"red",    "green",  "blue",  "yellow",
                                                                 "orange", "purple", "white", "black"};
constexpr std::array<std::string_view, kShapes> kShapeNames = {"ball", "box", "triangle"};
constexpr std::array<std::string_view, kSizes> kSizeNames = {"small", "medium", "big"};
constexpr std::array<std::string_view, kMotions> kMotionNames = {"stay", "bounce", "roll", "slide",
                                                                 "rise", "fall",   "orbit"};
constexpr std::array<std::string_view, kDirections> kDirectionNames = {"none", "left", "right"};
constexpr std::array<std::string_view, kGrounds> kGroundNames = {"green", "sand", "grey", "blue"};
constexpr std::array<std::string_view, kSkies> kSkyNames = {"blue", "grey", "night"};
constexpr std::array<std::string_view, kCameras> kCameraNames = {"still", "pan left", "pan right"};

// Objects are saturated, surroundings are not, so that green stands out on green.
constexpr std::array<Rgb, kColours> kColourPaint = {{{222, 38, 38},
                                                     {16, 172, 52},
                                                     {36, 72, 228},
                                                     {250, 216, 32},
                                                     {244, 124, 16},
                                                     {148, 44, 196},
                                                     {246, 246, 246},
                                                     {26, 26, 30}}};
constexpr std::array<Rgb, kGrounds> kGroundPaint = {
    {{128, 176, 108}, {214, 188, 140}, {146, 146, 148}, {112, 148, 190}}};
constexpr std::array<Rgb, kSkies> kSkyTopPaint = {{{118, 182, 240}, {124, 132, 146}, {24, 28, 70}}};
constexpr std::array<Rgb, kSkies> kSkyHorizonPaint = {{{206, 230, 250}, {172, 178, 186}, {66, 72, 124}}};

}  // namespace

std::string_view name(Colour colour) { return at(kColourNames, colour); }
std::string_view name(Shape shape) { return at(kShapeNames, shape); }
std::string_view name(Size size) { return at(kSizeNames, size); }
std::string_view name(Motion motion) { return at(kMotionNames, motion); }
std::string_view name(Direction direction) { return at(kDirectionNames, direction); }
std::string_view name(Ground ground) { return at(kGroundNames, ground); }
std::string_view name(Sky sky) { return at(kSkyNames, sky); }
std::string_view name(Camera camera) { return at(kCameraNames, camera); }

double width_in_diameters(Shape shape) {
  constexpr std::array<double, kShapes> kWidths = {1.0, 0.92, 1.16};
  return at(kWidths, shape);
}

double height_in_diameters(Shape shape) {
  constexpr std::array<double, kShapes> kHeights = {1.0, 0.92, 1.02};
  return at(kHeights, shape);
}

Rgb paint(Colour colour) { return at(kColourPaint, colour); }

Rgb ground_paint(Ground ground, Sky sky) {
  Rgb rgb = at(kGroundPaint, ground);
  if (sky == Sky::kNight) {
    for (auto& channel : rgb) channel = static_cast<std::uint8_t>(channel * 5 / 8);
  }
  return rgb;
}

Rgb sky_top_paint(Sky sky) { return at(kSkyTopPaint, sky); }
Rgb sky_horizon_paint(Sky sky) { return at(kSkyHorizonPaint, sky); }

}  // namespace starling::generate
