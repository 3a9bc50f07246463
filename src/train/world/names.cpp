#include "train/world/names.h"

namespace starling::train {

using generate::Colour;
using generate::Size;
using Words = std::string_view;

namespace english {

Phrases colour(Colour colour) {
  static constexpr Words kRed[] = {"red"};
  static constexpr Words kGreen[] = {"green"};
  static constexpr Words kBlue[] = {"blue"};
  static constexpr Words kYellow[] = {"yellow"};
  static constexpr Words kOrange[] = {"orange"};
  static constexpr Words kPurple[] = {"purple", "violet"};
  static constexpr Words kWhite[] = {"white"};
  static constexpr Words kBlack[] = {"black"};
  static constexpr std::array<Phrases, generate::kColours> kTable = {kRed,    kGreen,  kBlue,  kYellow,
                                                                     kOrange, kPurple, kWhite, kBlack};
  return pick(kTable, colour);
}

Phrases size(Size size) {
  static constexpr Words kSmall[] = {"small", "little", "tiny"};
  static constexpr Words kMedium[] = {"medium", "medium-sized"};
  static constexpr Words kBig[] = {"big", "large", "huge"};
  static constexpr std::array<Phrases, generate::kSizes> kTable = {kSmall, kMedium, kBig};
  return pick(kTable, size);
}

}  // namespace english

namespace chinese {

Phrases colour(Colour colour) {
  static constexpr Words kRed[] = {"红色", "红"};
  static constexpr Words kGreen[] = {"绿色", "绿"};
  static constexpr Words kBlue[] = {"蓝色", "蓝"};
  static constexpr Words kYellow[] = {"黄色", "黄"};
  static constexpr Words kOrange[] = {"橙色", "橘色"};
  static constexpr Words kPurple[] = {"紫色", "紫"};
  static constexpr Words kWhite[] = {"白色", "白"};
  static constexpr Words kBlack[] = {"黑色", "黑"};
  static constexpr std::array<Phrases, generate::kColours> kTable = {kRed,    kGreen,  kBlue,  kYellow,
                                                                     kOrange, kPurple, kWhite, kBlack};
  return pick(kTable, colour);
}

Phrases size(Size size) {
  static constexpr Words kSmall[] = {"小"};
  static constexpr Words kMedium[] = {"中等大小"};
  static constexpr Words kBig[] = {"大"};
  static constexpr std::array<Phrases, generate::kSizes> kTable = {kSmall, kMedium, kBig};
  return pick(kTable, size);
}

}  // namespace chinese

}  // namespace starling::train
