#include <array>

#include "train/world/words.h"

namespace starling::train::world::chinese {

using Words = std::string_view;

Phrases nouns(Shape shape) {
  static constexpr Words kBall[] = {"球", "圆球", "球体"};
  static constexpr Words kBox[] = {"方块", "盒子", "箱子"};
  static constexpr Words kTriangle[] = {"三角形", "三角块"};
  static constexpr Words kStar[] = {"星星", "五角星"};
  static constexpr std::array<Phrases, kShapes> kTable = {kBall, kBox, kTriangle, kStar};
  return pick(kTable, shape);
}

Phrases verbs(Act act, Shape shape) {
  static constexpr Words kStay[] = {"静止不动", "停着不动", "一动不动"};
  static constexpr Words kFall[] = {"落下", "掉落", "掉下来"};
  static constexpr Words kBounce[] = {"弹跳", "跳动", "上下弹跳", "蹦跳"};
  static constexpr Words kRoll[] = {"滚动", "滚"};
  static constexpr Words kSlide[] = {"滑动", "滑行"};
  static constexpr Words kFly[] = {"被抛出", "飞过空中", "被扔出去"};
  static constexpr Words kSwing[] = {"在绳子上摆动", "挂在绳子上来回摆动", "荡来荡去"};
  static constexpr Words kRollDown[] = {"滚下斜坡", "从斜坡上滚下来"};
  static constexpr Words kSlideDown[] = {"滑下斜坡", "从斜坡上滑下来"};
  static constexpr Words kDrop[] = {"从台子上掉下来", "从台子边掉落", "从桌子上掉下来"};
  static constexpr Words kHit[] = {"撞到", "撞上", "碰到"};
  static constexpr Words kHide[] = {"消失在墙后", "躲到墙后面", "被墙挡住"};
  static constexpr Words kEmerge[] = {"又出现了", "从另一边出来", "重新出现"};
  static constexpr Words kLaunch[] = {"被跷跷板弹到空中", "被跷跷板弹起来"};
  static constexpr Words kTopple[] = {"撞倒一排多米诺骨牌", "推倒多米诺骨牌"};
  static constexpr Words kLandOn[] = {"落在", "掉在"};
  static constexpr Words kStop[] = {"停下来", "停住"};
  static constexpr std::array<Phrases, kActs> kTable = {kStay,   kFall,      kBounce, kSlide,  kFly,
                                                        kSwing,  kSlideDown, kDrop,   kHit,    kHide,
                                                        kEmerge, kLaunch,    kTopple, kLandOn, kStop};
  if (shape == Shape::kBall && act == Act::kTravel) return kRoll;
  if (shape == Shape::kBall && act == Act::kDescend) return kRollDown;
  return pick(kTable, act);
}

Phrases pattern(Pattern pattern) {
  static constexpr Words kPlain[] = {"纯色"};
  static constexpr Words kStriped[] = {"条纹", "带条纹"};
  static constexpr Words kDotted[] = {"圆点", "带圆点"};
  static constexpr std::array<Phrases, kPatterns> kTable = {kPlain, kStriped, kDotted};
  return pick(kTable, pattern);
}

Phrases direction(Direction direction) {
  static constexpr Words kNone[] = {""};
  static constexpr Words kLeft[] = {"向左", "往左", "从右向左"};
  static constexpr Words kRight[] = {"向右", "往右", "从左向右"};
  static constexpr std::array<Phrases, generate::kDirections> kTable = {kNone, kLeft, kRight};
  return pick(kTable, direction);
}

Phrases ground(Ground ground) {
  static constexpr Words kGrass[] = {"草地", "绿色地面", "绿色的地面"};
  static constexpr Words kSand[] = {"沙地", "沙滩", "黄色沙地"};
  static constexpr Words kStone[] = {"石头地面", "灰色地面", "石板地"};
  static constexpr Words kIce[] = {"冰面", "蓝色地面"};
  static constexpr Words kWood[] = {"木地板", "木头地面", "棕色地面"};
  static constexpr std::array<Phrases, kGrounds> kTable = {kGrass, kSand, kStone, kIce, kWood};
  return pick(kTable, ground);
}

Phrases sky(Sky sky) {
  static constexpr Words kDay[] = {"白天", "晴天", "蓝天下"};
  static constexpr Words kCloudy[] = {"阴天", "灰色的天空下", "多云的天空下"};
  static constexpr Words kNight[] = {"夜晚", "夜里", "夜空下", "星空下"};
  static constexpr std::array<Phrases, kSkies> kTable = {kDay, kCloudy, kNight};
  return pick(kTable, sky);
}

Phrases gravity(Gravity gravity) {
  static constexpr Words kEarth[] = {"在地球上", "在正常重力下"};
  static constexpr Words kMoon[] = {"在月球上", "在低重力下", "在月球的重力下"};
  static constexpr std::array<Phrases, kGravities> kTable = {kEarth, kMoon};
  return pick(kTable, gravity);
}

Phrases camera(Camera camera) {
  static constexpr Words kStill[] = {"镜头不动", "镜头静止", "固定镜头"};
  static constexpr Words kLeft[] = {"镜头向左平移", "镜头向左移动", "镜头左移"};
  static constexpr Words kRight[] = {"镜头向右平移", "镜头向右移动", "镜头右移"};
  static constexpr Words kIn[] = {"镜头拉近", "镜头慢慢拉近"};
  static constexpr Words kOut[] = {"镜头拉远", "镜头慢慢拉远"};
  static constexpr Words kFollow[] = {"镜头跟随", "镜头跟着"};
  static constexpr std::array<Phrases, kCameras> kTable = {kStill, kLeft, kRight, kIn, kOut, kFollow};
  return pick(kTable, camera);
}

}  // namespace starling::train::world::chinese
