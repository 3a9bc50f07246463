#include <array>

#include "train/world/words.h"

namespace starling::train::world::english {

using Words = std::string_view;

std::span<const Noun> nouns(Shape shape) {
  static constexpr Noun kBall[] = {{"ball", "balls"}, {"sphere", "spheres"}};
  static constexpr Noun kBox[] = {{"box", "boxes"}, {"cube", "cubes"}, {"square", "squares"}};
  static constexpr Noun kTriangle[] = {{"triangle", "triangles"}, {"pyramid", "pyramids"}};
  static constexpr Noun kStar[] = {{"star", "stars"}};
  static constexpr std::array<std::span<const Noun>, kShapes> kTable = {kBall, kBox, kTriangle, kStar};
  return pick(kTable, shape);
}

std::span<const Verb> verbs(Act act, Shape shape) {
  static constexpr Verb kStay[] = {{"stays", "stay", "staying", "still"},
                                   {"rests", "rest", "resting", ""},
                                   {"stands", "stand", "standing", "still"},
                                   {"sits", "sit", "sitting", "still"}};
  static constexpr Verb kFall[] = {
      {"falls", "fall", "falling", ""}, {"falls", "fall", "falling", "down"}, {"drops", "drop", "dropping", ""}};
  static constexpr Verb kBounce[] = {{"bounces", "bounce", "bouncing", ""},
                                     {"bounces", "bounce", "bouncing", "up and down"},
                                     {"jumps", "jump", "jumping", "up and down"},
                                     {"hops", "hop", "hopping", ""}};
  static constexpr Verb kRoll[] = {{"rolls", "roll", "rolling", ""}};
  static constexpr Verb kSlide[] = {{"slides", "slide", "sliding", ""}, {"glides", "glide", "gliding", ""}};
  static constexpr Verb kFly[] = {{"is", "are", "being", "thrown"},
                                  {"flies", "fly", "flying", "through the air"},
                                  {"is", "are", "being", "thrown through the air"},
                                  {"is", "are", "being", "tossed"}};
  static constexpr Verb kSwing[] = {{"swings", "swing", "swinging", "on a rope"},
                                    {"swings", "swing", "swinging", "back and forth on a rope"},
                                    {"hangs", "hang", "hanging", "on a rope and swings"}};
  static constexpr Verb kRollDown[] = {{"rolls", "roll", "rolling", "down a ramp"},
                                       {"rolls", "roll", "rolling", "down a slope"},
                                       {"rolls", "roll", "rolling", "down a hill"}};
  static constexpr Verb kSlideDown[] = {{"slides", "slide", "sliding", "down a ramp"},
                                        {"slides", "slide", "sliding", "down a slope"},
                                        {"slides", "slide", "sliding", "down a hill"}};
  static constexpr Verb kDrop[] = {{"falls", "fall", "falling", "off a ledge"},
                                   {"drops", "drop", "dropping", "off a ledge"},
                                   {"falls", "fall", "falling", "off a table"},
                                   {"drops", "drop", "dropping", "off a platform"},
                                   {"falls", "fall", "falling", "over the edge of a table"}};
  static constexpr Verb kHit[] = {{"hits", "hit", "hitting", ""},
                                  {"bumps", "bump", "bumping", "into"},
                                  {"collides", "collide", "colliding", "with"},
                                  {"crashes", "crash", "crashing", "into"}};
  static constexpr Verb kHide[] = {{"disappears", "disappear", "disappearing", "behind a wall"},
                                   {"goes", "go", "going", "behind a wall"},
                                   {"is", "are", "being", "hidden by a wall"}};
  static constexpr Verb kEmerge[] = {{"comes", "come", "coming", "out again"},
                                     {"reappears", "reappear", "reappearing", ""},
                                     {"comes", "come", "coming", "out on the other side"}};
  static constexpr Verb kLaunch[] = {{"is", "are", "being", "thrown into the air by a seesaw"},
                                     {"is", "are", "being", "flung up by a seesaw"},
                                     {"flies", "fly", "flying", "up from a seesaw"}};
  static constexpr Verb kTopple[] = {{"knocks", "knock", "knocking", "over a row of dominoes"},
                                     {"knocks", "knock", "knocking", "down the dominoes"},
                                     {"topples", "topple", "toppling", "a row of dominoes"}};
  static constexpr Verb kLandOn[] = {{"lands", "land", "landing", "on"}, {"lands", "land", "landing", "on top of"}};
  static constexpr Verb kStop[] = {{"stops", "stop", "stopping", ""}, {"comes", "come", "coming", "to rest"}};
  static constexpr std::array<std::span<const Verb>, kActs> kTable = {kStay,   kFall,      kBounce, kSlide,  kFly,
                                                                      kSwing,  kSlideDown, kDrop,   kHit,    kHide,
                                                                      kEmerge, kLaunch,    kTopple, kLandOn, kStop};
  if (shape == Shape::kBall && act == Act::kTravel) return kRoll;
  if (shape == Shape::kBall && act == Act::kDescend) return kRollDown;
  return pick(kTable, act);
}

Phrases pattern(Pattern pattern) {
  static constexpr Words kPlain[] = {"plain"};
  static constexpr Words kStriped[] = {"striped"};
  static constexpr Words kDotted[] = {"dotted", "spotted"};
  static constexpr std::array<Phrases, kPatterns> kTable = {kPlain, kStriped, kDotted};
  return pick(kTable, pattern);
}

Phrases direction(Direction direction) {
  static constexpr Words kNone[] = {""};
  static constexpr Words kLeft[] = {"to the left", "left", "leftwards", "from right to left"};
  static constexpr Words kRight[] = {"to the right", "right", "rightwards", "from left to right"};
  static constexpr std::array<Phrases, generate::kDirections> kTable = {kNone, kLeft, kRight};
  return pick(kTable, direction);
}

Phrases ground(Ground ground) {
  static constexpr Words kGrass[] = {"green ground", "grass", "green grass", "the grass", "a lawn"};
  static constexpr Words kSand[] = {"sand", "sandy ground", "yellow sand", "the sand", "a beach"};
  static constexpr Words kStone[] = {"stone", "grey ground", "gray stone", "grey tiles", "a stone floor"};
  static constexpr Words kIce[] = {"ice", "blue ground", "blue ice", "the ice"};
  static constexpr Words kWood[] = {"wood", "a wooden floor", "brown ground", "wooden planks"};
  static constexpr std::array<Phrases, kGrounds> kTable = {kGrass, kSand, kStone, kIce, kWood};
  return pick(kTable, ground);
}

Phrases sky(Sky sky) {
  static constexpr Words kDay[] = {"under a blue sky", "on a clear day", "by day", "on a sunny day"};
  static constexpr Words kCloudy[] = {"under a grey sky", "under a gray sky", "under a cloudy sky", "on a cloudy day"};
  static constexpr Words kNight[] = {"at night", "under a dark sky", "in the dark", "under the night sky"};
  static constexpr std::array<Phrases, kSkies> kTable = {kDay, kCloudy, kNight};
  return pick(kTable, sky);
}

Phrases gravity(Gravity gravity) {
  static constexpr Words kEarth[] = {"on earth", "in normal gravity", "with the gravity of the earth"};
  static constexpr Words kMoon[] = {"on the moon", "in low gravity", "with the gravity of the moon", "in moon gravity"};
  static constexpr std::array<Phrases, kGravities> kTable = {kEarth, kMoon};
  return pick(kTable, gravity);
}

Phrases camera(Camera camera) {
  static constexpr Words kStill[] = {"the camera is still", "the camera does not move", "the camera stays still"};
  static constexpr Words kLeft[] = {"the camera pans left", "the camera pans to the left", "the camera moves left",
                                    "the camera is panning to the left"};
  static constexpr Words kRight[] = {"the camera pans right", "the camera pans to the right", "the camera moves right",
                                     "the camera is panning to the right"};
  static constexpr Words kIn[] = {"the camera zooms in", "the camera is zooming in", "the camera moves closer"};
  static constexpr Words kOut[] = {"the camera zooms out", "the camera is zooming out", "the camera moves away"};
  static constexpr Words kFollow[] = {"the camera follows", "the camera is following", "the camera moves along with"};
  static constexpr std::array<Phrases, kCameras> kTable = {kStill, kLeft, kRight, kIn, kOut, kFollow};
  return pick(kTable, camera);
}

}  // namespace starling::train::world::english
