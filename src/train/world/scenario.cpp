#include "train/world/scenario.h"

#include <array>

namespace starling::train::world {

namespace {

template <std::size_t N, typename E>
std::string_view pick(const std::array<std::string_view, N>& names, E value) {
  return names[static_cast<std::size_t>(value) % N];
}

constexpr std::array<std::string_view, kGrounds> kGroundNames = {"grass", "sand", "stone", "ice", "wood"};
constexpr std::array<std::string_view, kSkies> kSkyNames = {"day", "cloudy", "night"};
constexpr std::array<std::string_view, kGravities> kGravityNames = {"earth", "moon"};
constexpr std::array<std::string_view, kCameras> kCameraNames = {"still",   "pan left", "pan right",
                                                                 "zoom in", "zoom out", "follow"};
constexpr std::array<std::string_view, kProps> kPropNames = {"ramp", "ledge", "wall", "plank", "pivot", "domino"};
constexpr std::array<std::string_view, kActs> kActNames = {"stay",   "fall",    "bounce", "travel",  "fly",
                                                           "swing",  "descend", "drop",   "hit",     "hide",
                                                           "emerge", "launch",  "topple", "land on", "stop"};

}  // namespace

std::string_view name(Ground ground) { return pick(kGroundNames, ground); }
std::string_view name(Sky sky) { return pick(kSkyNames, sky); }
std::string_view name(Gravity gravity) { return pick(kGravityNames, gravity); }
std::string_view name(Camera camera) { return pick(kCameraNames, camera); }
std::string_view name(PropKind prop) { return pick(kPropNames, prop); }
std::string_view name(Act act) { return pick(kActNames, act); }

}  // namespace starling::train::world
