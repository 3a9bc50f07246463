#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/hash.h"
#include "train/first_world/caption.h"
#include "train/first_world/scene.h"
#include "train/first_world/words.h"
#include "train/world/random.h"

namespace starling::train {
namespace {

using generate::Camera;
using generate::Colour;
using generate::Direction;
using generate::Motion;
using generate::Shape;

TEST(Caption, IsTheSameOnEveryMachine) {
  base::Sha256 hash;
  for (const auto& text : caption_corpus(2000, 11)) hash.update(base::as_bytes(text));
  EXPECT_EQ(hash.finish().hex(), "102f12990636256c07f5aa82488bfa981b699d6fdaf9c00c550d67d970ebbc2b");
}

TEST(Caption, ReadsBackAsWhatItSays) {
  for (std::uint64_t i = 0; i < 6000; ++i) {
    const Attributes a = sample_scene(derive(4, i)).attributes;
    const std::string text = caption(a, i % 2 == 0 ? Language::kEnglish : Language::kChinese, i);
    EXPECT_LE(text.size(), 256U);
    const ParsedCaption parsed = parse_caption(text);
    EXPECT_TRUE(parsed.unknown_words.empty()) << text << " [" << parsed.unknown_words[0] << "]";
    const auto& p = parsed.attributes;
    EXPECT_EQ(p.colour, a.colour) << text;
    EXPECT_EQ(p.shape, a.shape) << text;
    EXPECT_EQ(p.motion, a.motion) << text;
    EXPECT_EQ(p.direction.value_or(Direction::kNone), a.direction) << text;
    EXPECT_EQ(p.size.value_or(a.size), a.size) << text;
    EXPECT_EQ(p.ground.value_or(a.ground), a.ground) << text;
    EXPECT_EQ(p.sky.value_or(a.sky), a.sky) << text;
    EXPECT_EQ(p.camera.value_or(a.camera), a.camera) << text;
  }
}

TEST(Caption, HasThePlainSentence) {
  Attributes a;
  a.motion = Motion::kBounce;
  bool found = false;
  for (std::uint64_t variant = 0; variant < 2000 && !found; ++variant) {
    found = caption(a, Language::kEnglish, variant) == "a red ball bounces on green ground";
  }
  EXPECT_TRUE(found);
}

TEST(Caption, UsesEveryFillerWord) {
  std::string all;
  for (const auto& text : caption_corpus(20000, 12)) all += " " + text + " ";
  for (const auto word : english::filler()) {
    EXPECT_NE(all.find(" " + std::string(word) + " "), std::string::npos) << word;
  }
  for (const auto word : chinese::filler()) EXPECT_NE(all.find(word), std::string::npos) << word;
}

TEST(ParseCaption, NamesTheWordsThatNoCaptionHas) {
  const auto english = parse_caption("A pink dog rolls right, camera panning left; pink!");
  EXPECT_EQ(english.unknown_words, (std::vector<std::string>{"pink", "dog"}));
  EXPECT_EQ(english.attributes.motion, Motion::kRoll);
  EXPECT_EQ(english.attributes.direction, Direction::kRight);
  EXPECT_EQ(english.attributes.camera, Camera::kPanLeft);
  EXPECT_FALSE(english.attributes.shape.has_value());
  const auto chinese = parse_caption("红色的猫在草地上跳动，镜头往左");
  EXPECT_EQ(chinese.unknown_words, (std::vector<std::string>{"猫"}));
  EXPECT_EQ(chinese.attributes.camera, Camera::kPanLeft);
  EXPECT_FALSE(chinese.attributes.direction.has_value());
}

TEST(ParseCaption, TellsTheColoursOfThingsApart) {
  const auto parsed = parse_caption("blue sky, a red ball drops on the green ground");
  EXPECT_EQ(parsed.attributes.colour, Colour::kRed);
  EXPECT_EQ(parsed.attributes.sky, generate::Sky::kBlue);
  EXPECT_EQ(parsed.attributes.ground, generate::Ground::kGreen);
}

TEST(ParseCaption, TakesAnyBytes) {
  EXPECT_TRUE(parse_caption("").unknown_words.empty());
  EXPECT_EQ(parse_caption("\xff\xfe ball \xe4").attributes.shape, Shape::kBall);
  EXPECT_FALSE(parse_caption(std::string(100000, 'x')).unknown_words.empty());
  std::string balls = "a";
  for (int i = 0; i < 3000; ++i) balls += "球";
  EXPECT_TRUE(parse_caption(balls).unknown_words.empty());
  Random random(9);
  for (int i = 0; i < 200; ++i) {
    std::string noise;
    for (int j = 0; j < 300; ++j) noise += static_cast<char>(random.below(256));
    (void)parse_caption(noise);
  }
}

}  // namespace
}  // namespace starling::train
