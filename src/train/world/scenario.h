#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "train/world/things.h"

namespace starling::train::world {

// What is to happen in a clip: the place, who and what is in it and how it starts, the camera, and what a caption tells
// of it. Metres and seconds; x to the right, y up from the ground that things stand on; x = 0 is the middle of a
// picture whose camera has not moved; angles in radians, anticlockwise.

enum class Ground : std::uint8_t { kGrass, kSand, kStone, kIce, kWood };
enum class Sky : std::uint8_t { kDay, kCloudy, kNight };
enum class Gravity : std::uint8_t { kEarth, kMoon };
enum class Camera : std::uint8_t { kStill, kPanLeft, kPanRight, kZoomIn, kZoomOut, kFollow };
enum class PropKind : std::uint8_t { kRamp, kLedge, kWall, kPlank, kPivot, kDomino };

inline constexpr std::size_t kGrounds = 5;
inline constexpr std::size_t kSkies = 3;
inline constexpr std::size_t kGravities = 2;
inline constexpr std::size_t kCameras = 6;
inline constexpr std::size_t kProps = 6;

inline constexpr double kEarthGravity = 9.81;  // metres per second squared
inline constexpr double kMoonGravity = 1.62;
constexpr double metres_per_second_squared(Gravity gravity) {
  return gravity == Gravity::kEarth ? kEarthGravity : kMoonGravity;
}

struct Setting {
  Ground ground = Ground::kGrass;
  Sky sky = Sky::kDay;
  Gravity gravity = Gravity::kEarth;
  double ground_offset = 0.0;  // of the ground's pattern
};

struct CameraMove {
  Camera kind = Camera::kStill;
  double velocity = 0.0;  // of a pan, positive to the right; the middle of the clip is at x = 0
  double zoom_from = 1.0, zoom_to = 1.0;
  std::size_t followed = 0;  // of the actors
};

// A thing and how it starts.
struct Actor {
  Thing thing;
  double x = 0.0, y = 0.0, angle = 0.0;  // of the centroid
  double velocity_x = 0.0, velocity_y = 0.0, spin = 0.0;
  double friction = 0.5, restitution = 0.1;
  double rolling_resistance = 0.0;  // share of the spin lost in a second, for short times
  double density = 1.0;
  bool upright = false;  // never turns
  double enters = 0.0;   // takes part from then on; before it waits where it starts, out of view
  bool hangs = false;    // on a rope from (rope_x, rope_y)
  double rope_x = 0.0, rope_y = 0.0;
};

// What is neither thing nor ground. Of a plank and a domino, which move, (x, y) is the middle; of the others, which do
// not, the middle of their base. A wall stands in front of everything and touches nothing.
struct Prop {
  PropKind kind = PropKind::kWall;
  double x = 0.0, y = 0.0, angle = 0.0;
  double width = 1.0, height = 1.0;
  Direction facing = Direction::kNone;  // where a ramp goes down to

  bool moves() const { return kind == PropKind::kPlank || kind == PropKind::kDomino; }
};

// What a clause of a caption says of its subject.
enum class Act : std::uint8_t {
  kStay,
  kFall,
  kBounce,
  kTravel,   // rolls or slides
  kFly,      // is thrown
  kSwing,    // on a rope
  kDescend,  // a ramp
  kDrop,     // off a ledge
  kHit,      // the object
  kHide,     // behind a wall
  kEmerge,   // from behind it
  kLaunch,   // into the air by a see-saw
  kTopple,   // dominoes
  kLandOn,   // the object
  kStop,
};
inline constexpr std::size_t kActs = 15;

inline constexpr std::size_t kNobody = 255;

struct Clause {
  Act act = Act::kStay;
  std::size_t subject = 0;
  std::size_t object = kNobody;
  Direction direction = Direction::kNone;
  double time = 0.0;   // when it begins
  bool needed = true;  // a scenario in which it does not come true is discarded; else only the clause is
};

enum class RelationKind : std::uint8_t { kLeftOf, kOnTopOf };
// Holds in the first frame.
struct Relation {
  RelationKind kind = RelationKind::kLeftOf;
  std::size_t subject = 0;
  std::size_t object = 0;
};

// In the order of time; clauses less than kTogether apart are told as one moment.
struct Story {
  std::vector<Clause> clauses;
  std::vector<Relation> relations;
};
inline constexpr double kTogether = 0.2;

struct Scenario {
  Setting setting;
  CameraMove camera;
  std::vector<Actor> actors;  // one to four
  std::vector<Prop> props;
  Story story;
};

std::string_view name(Ground ground);
std::string_view name(Sky sky);
std::string_view name(Gravity gravity);
std::string_view name(Camera camera);
std::string_view name(PropKind prop);
std::string_view name(Act act);

}  // namespace starling::train::world
