#include "models/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/charsmap_check.h"
#include "models/prompt.h"

namespace starling::models {
namespace {

std::vector<std::string> sentences() {
  std::vector<std::string> all;
  for (const char* colour : {"red", "green", "blue", "yellow"}) {
    for (const char* shape : {"ball", "box", "triangle"}) {
      all.push_back(std::string("a ") + colour + " " + shape + " bounces on the ground");
      all.push_back(std::string("the ") + shape + " rolls, and it is " + colour);
    }
  }
  for (const char* colour : {"红色", "绿色", "蓝色"}) {
    all.push_back(std::string(colour) + "的球在地面上弹跳");
    all.push_back(std::string("一个") + colour + "的方块滑动");
  }
  return all;
}

const Tokenizer& tokenizer() {
  static const Tokenizer kTokenizer = *Tokenizer::load(*train_tokenizer(sentences(), 128));
  return kTokenizer;
}

TEST(Tokenizer, TrainingIsReproducibleAndBounded) {
  EXPECT_EQ(*train_tokenizer(sentences(), 128), tokenizer().model());
  EXPECT_LE(tokenizer().vocab_size(), 128);
  EXPECT_GE(tokenizer().vocab_size(), 60);
  EXPECT_FALSE(train_tokenizer({}, 128).ok());
  EXPECT_FALSE(train_tokenizer(sentences(), 10).ok()) << "fewer pieces than characters";
}

TEST(Tokenizer, EncodesAsT5Does) {
  const auto tokens = tokenizer().encode("a red ball", 16);
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->ids.back(), kEndToken);
  EXPECT_LE(tokens->ids.size(), 7U) << "words seen often are whole pieces";
  EXPECT_TRUE(tokens->unknown.empty());
  EXPECT_FALSE(tokens->truncated);
  EXPECT_EQ(tokenizer().encode("A Red Ball", 16)->ids, tokens->ids) << "case is folded";
  EXPECT_EQ(tokenizer().encode("", 16)->ids, std::vector<std::int32_t>{kEndToken});
  const exact::Tensor ids = tokens->padded_ids(16);
  const exact::Tensor mask = tokens->mask(16);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(ids.i32()[i], i < tokens->ids.size() ? tokens->ids[i] : kPadToken);
    EXPECT_EQ(mask.f32()[i], i < tokens->ids.size() ? 1.0F : 0.0F);
  }
}

TEST(Tokenizer, CutsLongTextsAndReportsUnknownPieces) {
  const auto cut = tokenizer().encode("a red ball a green box a blue triangle", 4);
  EXPECT_EQ(cut->ids.size(), 4U);
  EXPECT_EQ(cut->ids.back(), kEndToken);
  EXPECT_TRUE(cut->truncated);
  const auto foreign = tokenizer().encode("a red дракон", 32);
  ASSERT_EQ(foreign->unknown.size(), 1U);
  EXPECT_EQ(foreign->unknown[0], "дракон");
  EXPECT_NE(std::ranges::find(foreign->ids, kUnknownToken), foreign->ids.end());
  EXPECT_FALSE(tokenizer().encode("a", 0).ok());
}

TEST(Tokenizer, RefusesWhatIsNoModel) {
  EXPECT_FALSE(Tokenizer::load({}).ok());
  EXPECT_FALSE(Tokenizer::load({1, 2, 3, 4, 5, 6, 7, 8}).ok());
  base::Bytes half = tokenizer().model();
  half.resize(half.size() / 2);
  EXPECT_FALSE(Tokenizer::load(half).ok());
}

// The library follows the normalisation table's offsets unchecked; what gets past our check must not crash it.
TEST(Tokenizer, RefusesATableThatLeadsOutside) {
  const base::Bytes& good = tokenizer().model();
  EXPECT_TRUE(are_charsmaps_sound(good));
  int refused = 0;
  std::uint32_t state = 1;
  const auto draw = [&](std::size_t bound) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % bound;
  };
  for (int i = 0; i < 40; ++i) {
    base::Bytes changed = good;
    for (int j = 0; j < 8; ++j) changed[draw(changed.size())] = static_cast<std::uint8_t>(draw(256));
    if (!are_charsmaps_sound(changed)) ++refused;
    const auto loaded = Tokenizer::load(changed);
    if (loaded.ok()) (void)loaded->encode("A red ＢＡＬＬ ½ 红色 é", 32);
  }
  EXPECT_GT(refused, 20) << "most of the bytes are the table's";
  base::Bytes cut = good;
  cut.resize(cut.size() - 3);
  EXPECT_FALSE(are_charsmaps_sound(cut));
}

TEST(KnownWords, NamesWhatTheModelHasNotSeen) {
  KnownWords known;
  for (const std::string& sentence : sentences()) known.add(sentence);
  EXPECT_TRUE(known.missing("The RED ball, bounces! 红色的球").empty());
  EXPECT_EQ(known.missing("a purple dragon and a purple ball; 龙。"),
            (std::vector<std::string>{"purple", "dragon", "龙"}));
  const auto read = KnownWords::parse(known.to_text());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->to_text(), known.to_text());
  EXPECT_FALSE(KnownWords::parse("\xFF\n").ok());
}

TEST(Prompt, IsCleanedAsWanDoes) {
  EXPECT_EQ(*clean_prompt("  a\t red \n\n ball\u3000x\u00A0y "), "a red ball x y");
  EXPECT_EQ(*clean_prompt("&amp;lt;b&gt; &#39;q&#x4E00;&quot; R&D &unknown; &#0; &#xD800;"),
            "<b> 'q一\" R&D &unknown; &#0; &#xD800;");
  EXPECT_EQ(*clean_prompt(""), "");
  EXPECT_EQ(clean_prompt("a\xFFz").error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(clean_prompt(std::string(1U << 20U, 'a')).error().code, base::ErrorCode::kLimit);
}

}  // namespace
}  // namespace starling::models
