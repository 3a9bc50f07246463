#include "train/first_world/words.h"

#include <array>

namespace starling::train {

using generate::Camera;
using generate::Direction;
using generate::Ground;
using generate::Motion;
using generate::Sky;

namespace {

using Words = std::string_view;

}  // namespace

namespace english {

std::span<const EnglishVerb> verbs(Motion motion) {
  static constexpr EnglishVerb kStay[] = {{"stays", "staying", "stay", "still"},
                                          {"rests", "resting", "rest", ""},
                                          {"stands", "standing", "stand", "still"},
                                          {"sits", "sitting", "sit", "still"}};
  static constexpr EnglishVerb kBounce[] = {{"bounces", "bouncing", "bounce", ""},
                                            {"bounces", "bouncing", "bounce", "up and down"},
                                            {"jumps", "jumping", "jump", "up and down"},
                                            {"hops", "hopping", "hop", ""}};
  static constexpr EnglishVerb kRoll[] = {{"rolls", "rolling", "roll", ""}};
  static constexpr EnglishVerb kSlide[] = {{"slides", "sliding", "slide", ""}, {"glides", "gliding", "glide", ""}};
  static constexpr EnglishVerb kRise[] = {{"rises", "rising", "rise", ""},
                                          {"floats", "floating", "float", "up"},
                                          {"goes", "going", "go", "up"},
                                          {"flies", "flying", "fly", "up"}};
  static constexpr EnglishVerb kFall[] = {
      {"falls", "falling", "fall", ""}, {"falls", "falling", "fall", "down"}, {"drops", "dropping", "drop", ""}};
  static constexpr EnglishVerb kOrbit[] = {{"flies", "flying", "fly", "in a circle"},
                                           {"circles", "circling", "circle", ""},
                                           {"moves", "moving", "move", "in circles"},
                                           {"goes", "going", "go", "around in a circle"}};
  static constexpr std::array<std::span<const EnglishVerb>, generate::kMotions> kTable = {kStay, kBounce, kRoll, kSlide,
                                                                                          kRise, kFall,   kOrbit};
  return kTable[static_cast<std::size_t>(motion) % kTable.size()];
}

Phrases noun(generate::Shape shape) {
  static constexpr Words kBall[] = {"ball", "sphere"};
  static constexpr Words kBox[] = {"box", "cube", "square"};
  static constexpr Words kTriangle[] = {"triangle", "pyramid"};
  static constexpr std::array<Phrases, generate::kShapes> kTable = {kBall, kBox, kTriangle};
  return pick(kTable, shape);
}

Phrases direction(Direction direction) {
  static constexpr Words kNone[] = {"in place"};
  static constexpr Words kLeft[] = {"to the left", "left", "leftwards", "from right to left"};
  static constexpr Words kRight[] = {"to the right", "right", "rightwards", "from left to right"};
  static constexpr std::array<Phrases, generate::kDirections> kTable = {kNone, kLeft, kRight};
  return pick(kTable, direction);
}

Phrases preposition(Motion motion) {
  static constexpr Words kOn[] = {"on"};
  static constexpr Words kAcross[] = {"on", "across", "over"};
  static constexpr Words kFrom[] = {"above", "over", "from"};
  static constexpr Words kOnto[] = {"onto", "on", "to"};
  static constexpr Words kOver[] = {"over", "above"};
  static constexpr std::array<Phrases, generate::kMotions> kTable = {kOn, kOn, kAcross, kAcross, kFrom, kOnto, kOver};
  return pick(kTable, motion);
}

Phrases ground(Ground ground) {
  static constexpr Words kGreen[] = {"green ground", "grass", "the green ground", "a green floor"};
  static constexpr Words kSand[] = {"sand", "yellow sand", "sandy ground", "the sand"};
  static constexpr Words kGrey[] = {"grey ground", "gray ground", "stone", "a grey floor"};
  static constexpr Words kBlue[] = {"blue ground", "ice", "the blue ground", "a blue floor"};
  static constexpr std::array<Phrases, generate::kGrounds> kTable = {kGreen, kSand, kGrey, kBlue};
  return pick(kTable, ground);
}

Phrases sky(Sky sky) {
  static constexpr Words kBlue[] = {"under a blue sky", "on a clear day", "by day"};
  static constexpr Words kGrey[] = {"under a grey sky", "under a gray sky", "under a cloudy sky", "on a cloudy day"};
  static constexpr Words kNight[] = {"at night", "under a dark sky", "in the dark"};
  static constexpr std::array<Phrases, generate::kSkies> kTable = {kBlue, kGrey, kNight};
  return pick(kTable, sky);
}

Phrases camera(Camera camera) {
  static constexpr Words kStill[] = {"the camera is still", "the camera does not move", "the camera stays still",
                                     "static camera", "fixed camera"};
  static constexpr Words kLeft[] = {"the camera pans left", "the camera pans to the left", "the camera moves left",
                                    "the camera moves to the left", "the camera is panning left"};
  static constexpr Words kRight[] = {"the camera pans right", "the camera pans to the right", "the camera moves right",
                                     "the camera moves to the right", "the camera is panning right"};
  static constexpr std::array<Phrases, generate::kCameras> kTable = {kStill, kLeft, kRight};
  return pick(kTable, camera);
}

Phrases filler() {
  static constexpr Words kWords[] = {"a",    "an", "the",   "is",   "it",    "and",    "that", "there",
                                     "of",   "in", "on",    "over", "above", "across", "onto", "to",
                                     "from", "up", "while", "as",   "video", "watch"};
  return kWords;
}

}  // namespace english

namespace chinese {

Phrases verb(Motion motion) {
  static constexpr Words kStay[] = {"静止不动", "停着不动", "一动不动"};
  static constexpr Words kBounce[] = {"弹跳", "跳动", "上下弹跳", "蹦跳"};
  static constexpr Words kRoll[] = {"滚动", "滚"};
  static constexpr Words kSlide[] = {"滑动", "滑行"};
  static constexpr Words kRise[] = {"上升", "升起", "向上飘"};
  static constexpr Words kFall[] = {"落下", "掉落", "掉下"};
  static constexpr Words kOrbit[] = {"绕圈", "转圈", "绕圈飞行"};
  static constexpr std::array<Phrases, generate::kMotions> kTable = {kStay, kBounce, kRoll, kSlide,
                                                                     kRise, kFall,   kOrbit};
  return pick(kTable, motion);
}

Phrases noun(generate::Shape shape) {
  static constexpr Words kBall[] = {"球", "圆球"};
  static constexpr Words kBox[] = {"方块", "盒子", "箱子"};
  static constexpr Words kTriangle[] = {"三角形", "三角块"};
  static constexpr std::array<Phrases, generate::kShapes> kTable = {kBall, kBox, kTriangle};
  return pick(kTable, shape);
}

Phrases direction(Direction direction) {
  static constexpr Words kNone[] = {"原地"};
  static constexpr Words kLeft[] = {"向左", "往左", "从右向左"};
  static constexpr Words kRight[] = {"向右", "往右", "从左向右"};
  static constexpr std::array<Phrases, generate::kDirections> kTable = {kNone, kLeft, kRight};
  return pick(kTable, direction);
}

Phrases ground(Ground ground) {
  static constexpr Words kGreen[] = {"绿色地面", "草地", "绿色的地面"};
  static constexpr Words kSand[] = {"沙地", "沙滩", "黄色沙地"};
  static constexpr Words kGrey[] = {"灰色地面", "石头地面", "灰色的地面"};
  static constexpr Words kBlue[] = {"蓝色地面", "冰面", "蓝色的地面"};
  static constexpr std::array<Phrases, generate::kGrounds> kTable = {kGreen, kSand, kGrey, kBlue};
  return pick(kTable, ground);
}

Phrases sky(Sky sky) {
  static constexpr Words kBlue[] = {"蓝天下", "晴天", "蓝色的天空下"};
  static constexpr Words kGrey[] = {"阴天", "灰色的天空下"};
  static constexpr Words kNight[] = {"夜晚", "夜空下", "夜里"};
  static constexpr std::array<Phrases, generate::kSkies> kTable = {kBlue, kGrey, kNight};
  return pick(kTable, sky);
}

Phrases camera(Camera camera) {
  static constexpr Words kStill[] = {"镜头不动", "镜头静止", "固定镜头"};
  static constexpr Words kLeft[] = {"镜头向左平移", "镜头向左移动", "镜头左移"};
  static constexpr Words kRight[] = {"镜头向右平移", "镜头向右移动", "镜头右移"};
  static constexpr std::array<Phrases, generate::kCameras> kTable = {kStill, kLeft, kRight};
  return pick(kTable, camera);
}

Phrases filler() {
  static constexpr Words kWords[] = {"一个", "的", "在", "上", "上方", "有", "它", "从", "到", "正在", "镜头"};
  return kWords;
}

}  // namespace chinese

}  // namespace starling::train
