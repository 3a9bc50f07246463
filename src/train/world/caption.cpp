#include "train/world/caption.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "train/world/sentences.h"

namespace starling::train::world {

namespace {

// Longer captions are told again, more tersely: a model's text encoder reads so many tokens only.
constexpr std::size_t kManyEnglishWords = 42;
constexpr std::size_t kManyChineseCharacters = 60;

// The characters of captions that the two scripts write differently: simplified, traditional, in turns.
constexpr std::string_view kScripts =
    "两兩个個从從体體动動后後块塊墙牆头頭带帶弹彈抛拋"
    "挂掛挡擋摆擺时時来來条條滚滾滩灘点點现現着著红紅"
    "纯純纹紋绳繩绿綠荡蕩蓝藍诺諾跷蹺边邊过過还還远遠"
    "里裡镜鏡阴陰随隨静靜飞飛黄黃圆圓云雲";
constexpr std::size_t kCharacter = 3;  // bytes, of each of them

using Characters = std::map<std::string_view, std::string_view>;

// To the one script from the other, where the two differ; `from` is 0 for simplified and 1 for traditional.
Characters other_script(std::size_t from) {
  Characters pairs;
  for (std::size_t i = 0; i < kScripts.size(); i += 2 * kCharacter) {
    pairs.emplace(kScripts.substr(i + from * kCharacter, kCharacter),
                  kScripts.substr(i + (1 - from) * kCharacter, kCharacter));
  }
  return pairs;
}

std::string rewrite(const std::string& text, const Characters& characters) {
  std::string other;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? kCharacter : kCharacter + 1;
    const auto character = std::string_view(text).substr(i, length);
    const auto found = characters.find(character);
    other += found == characters.end() ? character : found->second;
    i += length;
  }
  return other;
}

}  // namespace

std::string traditional(const std::string& simplified) {
  static const Characters characters = other_script(0);
  return rewrite(simplified, characters);
}

std::string simplified(const std::string& traditional) {
  static const Characters characters = other_script(1);
  return rewrite(traditional, characters);
}

std::string caption(const Scenario& scenario, Language language, std::uint64_t variant) {
  Said said;
  return caption(scenario, language, variant, said);
}

std::string caption(const Scenario& scenario, Language language, std::uint64_t variant, Said& said) {
  const Telling telling = tell_story(scenario);
  Random random(variant);
  if (language == Language::kEnglish) {
    std::string text = english_sentences(scenario, telling, false, random, said);
    if (static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) < kManyEnglishWords) return text;
    return english_sentences(scenario, telling, true, random, said);
  }
  std::string text = chinese_sentences(scenario, telling, false, random, said);
  if (text.size() > kManyChineseCharacters * kCharacter)
    text = chinese_sentences(scenario, telling, true, random, said);
  return language == Language::kSimplified ? text : traditional(text);
}

}  // namespace starling::train::world
