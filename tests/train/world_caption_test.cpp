#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/hash.h"
#include "train/world/caption.h"
#include "train/world/dataset.h"
#include "train/world/random.h"
#include "train/world/take.h"
#include "train/world/words.h"

namespace starling::train::world {
namespace {

bool says_any(const std::string& text, Phrases phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return text.find(phrase) != std::string::npos; });
}

// Words between spaces, in small letters, without marks.
std::string padded(const std::string& text) {
  std::string out = " ";
  for (const char c : text) {
    if (c == ',' || c == '.' || c == ';') continue;
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return out + " ";
}

bool has_word(const std::string& padded_text, const std::string& word) {
  return padded_text.find(" " + word + " ") != std::string::npos;
}

const std::string& noun_in(const std::string& text, Shape shape) {
  static const std::string kNone;
  static std::string found;
  for (const english::Noun& noun : english::nouns(shape)) {
    for (const std::string_view form : {noun.one, noun.many}) {
      if (has_word(text, std::string(form))) return found = std::string(form);
    }
  }
  return kNone;
}

template <typename Check>
void for_takes(std::uint64_t key, std::uint64_t count, const Check& check) {
  for (std::uint64_t i = 0; i < count; ++i) {
    TakeOptions options;
    options.split = Split::kAny;
    options.plot = static_cast<Plot>(i % kPlots);
    check(take(derive(key, i), options), i);
  }
}

TEST(WorldCaption, NamesEveryThingAndNothingElse) {
  for_takes(31, 150, [](const Take& taken, std::uint64_t i) {
    const std::string raw = caption(taken.scenario, Language::kEnglish, i);
    const std::string text = padded(raw);
    EXPECT_LE(raw.size(), kLongestCaption) << raw;
    std::set<Colour> colours;
    std::set<Shape> shapes;
    for (const Actor& actor : taken.scenario.actors) {
      colours.insert(actor.thing.colour);
      shapes.insert(actor.thing.shape);
    }
    for (std::size_t s = 0; s < kShapes; ++s) {
      const auto shape = static_cast<Shape>(s);
      EXPECT_EQ(!noun_in(text, shape).empty(), shapes.contains(shape)) << raw;
    }
    // A ground and a sky may bear a colour's name.
    for (const Colour colour : colours) EXPECT_TRUE(says_any(text, english::colour(colour))) << raw;
    for (const Colour colour : {Colour::kRed, Colour::kPurple, Colour::kOrange, Colour::kBlack, Colour::kWhite}) {
      if (!colours.contains(colour)) {
        EXPECT_FALSE(says_any(text, english::colour(colour))) << raw;
      }
    }
  });
}

TEST(WorldCaption, SaysWhereGravityIsTheMoons) {
  for_takes(32, 100, [](const Take& taken, std::uint64_t i) {
    const bool moon = taken.scenario.setting.gravity == Gravity::kMoon;
    for (std::size_t l = 0; l < kLanguages; ++l) {
      const auto language = static_cast<Language>(l);
      const std::string text = caption(taken.scenario, language, i);
      if (language == Language::kEnglish) {
        EXPECT_EQ(says_any(padded(text), english::gravity(Gravity::kMoon)), moon) << text;
      } else {
        const bool says = text.find("月球") != std::string::npos || text.find("低重力") != std::string::npos;
        EXPECT_EQ(says, moon) << text;
      }
    }
  });
}

TEST(WorldCaption, DirectionsAreTheClausesOrTheCameras) {
  for_takes(33, 150, [](const Take& taken, std::uint64_t i) {
    const std::string text = caption(taken.scenario, Language::kEnglish, i);
    bool left = taken.scenario.camera.kind == Camera::kPanLeft;
    bool right = taken.scenario.camera.kind == Camera::kPanRight;
    for (const Clause& clause : taken.scenario.story.clauses) {
      left = left || clause.direction == Direction::kLeft;
      right = right || clause.direction == Direction::kRight;
    }
    for (const Relation& relation : taken.scenario.story.relations) {
      if (relation.kind == RelationKind::kLeftOf) left = right = true;
    }
    if (!left && !right) {
      EXPECT_EQ(text.find("left"), std::string::npos) << text;
      EXPECT_EQ(text.find("right"), std::string::npos) << text;
    }
    // "from left to right" names both.
    if (left && !right) {
      EXPECT_TRUE(text.find("right") == std::string::npos || text.find("from right to left") != std::string::npos)
          << text;
    }
    if (right && !left) {
      EXPECT_TRUE(text.find("left") == std::string::npos || text.find("from left to right") != std::string::npos)
          << text;
    }
  });
}

TEST(WorldCaption, CountsWhatLooksAlike) {
  TakeOptions options;
  options.plot = Plot::kTogether;
  constexpr std::string_view kWords[] = {"two ", "three ", "four "};
  int counted = 0;
  for (std::uint64_t i = 0; i < 120; ++i) {
    const Take taken = take(derive(34, i), options);
    const auto& actors = taken.scenario.actors;
    std::size_t most = 0;
    for (const Actor& actor : actors) {
      most = std::max<std::size_t>(
          most, static_cast<std::size_t>(std::count_if(actors.begin(), actors.end(), [&](const Actor& other) {
            return other.thing.looks_like(actor.thing) && other.thing.motion == actor.thing.motion;
          })));
    }
    if (most != actors.size() || taken.scenario.story.clauses.size() != actors.size()) continue;
    std::string text = caption(taken.scenario, Language::kEnglish, i);
    text[0] = static_cast<char>(text[0] >= 'A' && text[0] <= 'Z' ? text[0] - 'A' + 'a' : text[0]);
    EXPECT_NE(text.find(kWords[most - 2]), std::string::npos) << text;
    ++counted;
  }
  EXPECT_GT(counted, 20);
}

TEST(WorldCaption, TellsTheOrderOfEventsInBothOrdersOfWords) {
  TakeOptions options;
  options.plot = Plot::kSequence;
  int forward = 0;
  int backward = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Take taken = take(derive(35, i), options);
    if (taken.plot != Plot::kSequence || taken.scenario.actors.size() != 2) continue;
    const auto& clauses = taken.scenario.story.clauses;
    ASSERT_EQ(clauses.size(), 2U);
    EXPECT_LT(clauses[0].time + kTogether, clauses[1].time);
    const Thing& first = taken.scenario.actors[clauses[0].subject].thing;
    const Thing& second = taken.scenario.actors[clauses[1].subject].thing;
    if (first.colour == second.colour) continue;
    const std::string text = padded(caption(taken.scenario, Language::kEnglish, i));
    const auto at = [&](const Thing& thing) {
      std::size_t place = std::string::npos;
      for (const std::string_view word : english::colour(thing.colour)) {
        for (const english::Noun& noun : english::nouns(thing.shape)) {
          place = std::min(place, text.find(std::string(word) + " " + std::string(noun.one)));
        }
      }
      return place;
    };
    ASSERT_NE(at(first), std::string::npos) << text;
    ASSERT_NE(at(second), std::string::npos) << text;
    const bool told_forward = at(first) < at(second);
    (told_forward ? forward : backward) += 1;
    const bool after_between =
        text.find(" after ") != std::string::npos && text.find(" after that ") == std::string::npos;
    const bool starts_before = text.find("before ") != std::string::npos;
    if (!told_forward) {
      EXPECT_TRUE(after_between || starts_before) << text;
    }
  }
  EXPECT_GT(forward, 50);
  EXPECT_GT(backward, 10);
}

// Who hits whom is plain: no pronoun may stand for the one that is hit.
TEST(WorldCaption, NobodyIsTakenForAnother) {
  TakeOptions options;
  options.plot = Plot::kCollision;
  int passive = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Take taken = take(derive(39, i), options);
    for (std::uint64_t variant = 0; variant < 10; ++variant) {
      const std::string text = padded(caption(taken.scenario, Language::kEnglish, derive(i, variant)));
      const bool reversed = has_word(text, "before") || (has_word(text, "after") && !has_word(text, "after that"));
      if (has_word(text, "is hit by")) {
        ++passive;
        EXPECT_FALSE(reversed) << text;
      }
      if (reversed) {
        EXPECT_FALSE(has_word(text, "it")) << text;
      }
    }
  }
  EXPECT_GT(passive, 10);
}

TEST(WorldCaption, AStillPictureSaysNothingOfWhatHappens) {
  TakeOptions options;
  options.shape.frames = 1;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Take taken = take(derive(36, i), options);
    for (const Clause& clause : taken.scenario.story.clauses) EXPECT_EQ(clause.act, Act::kStay);
    EXPECT_FALSE(caption(taken.scenario, Language::kEnglish, i).empty());
  }
}

// Each script's characters, as a reader of it would write them: what the other writes differently is not among them.
TEST(WorldCaption, ChineseKeepsToItsScript) {
  const std::string only_simplified =
      "个两从体动后块墙头带弹抛挂挡摆时来条滚滩点现着红纯纹绳绿荡蓝诺跷边过还远里镜阴随静飞黄圆云";
  const std::string only_traditional =
      "個兩從體動後塊牆頭帶彈拋掛擋擺時來條滾灘點現著紅純紋繩綠蕩藍諾蹺邊過還遠裡鏡陰隨靜飛黃圓雲";
  const std::string both =
      "一三上下不中之了五低住倒停先冰出到前力去又另台右同向和四回固在地坡多夜大天失子它定小左常平形往慢扔拉掉排接推"
      "撞斜新方星是晚晴月有木板棕橘橙止正此沙消滑灰然牌球白的盒石碰移空等箱米紫色草落行被角起跟跳蹦躲近那都重零面骨黑桌"
      "相";
  std::map<std::string, int> seen[2];
  const auto characters = [](const std::string& text) {
    std::set<std::string> all;
    for (std::size_t i = 0; i < text.size(); i += 3) all.insert(text.substr(i, 3));
    return all;
  };
  const std::set<std::string> marks = {"，", "。", "、"};
  const std::set<std::string> shared = characters(both);
  const std::set<std::string> own[2] = {characters(only_simplified), characters(only_traditional)};
  EXPECT_EQ(own[0].size(), own[1].size());
  for_takes(37, 150, [&](const Take& taken, std::uint64_t i) {
    for (const int round : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
      const int script = round % 2;
      const auto variant = derive(i, static_cast<std::uint64_t>(round));
      const std::string text =
          caption(taken.scenario, script == 0 ? Language::kSimplified : Language::kTraditional, variant);
      EXPECT_LE(text.size(), kLongestCaption) << text;
      ASSERT_EQ(text.size() % 3, 0U) << text;
      for (std::size_t at = 0; at < text.size(); at += 3) {
        const std::string character = text.substr(at, 3);
        const bool fits = marks.contains(character) || shared.contains(character) || own[script].contains(character);
        EXPECT_TRUE(fits) << character << " in " << text;
        ++seen[script][character];
      }
    }
  });
  for (const int script : {0, 1}) EXPECT_GT(seen[script].size(), 120U);
}

TEST(WorldCaption, IsTheSameOnEveryMachine) {
  Scenario scenario;
  scenario.actors.resize(2);
  scenario.actors[1].thing.shape = Shape::kStar;
  scenario.actors[1].thing.colour = Colour::kBlue;
  scenario.story.clauses = {{Act::kTravel, 0, kNobody, Direction::kLeft, 0.0},
                            {Act::kHit, 0, 1, Direction::kNone, 1.0}};
  base::Sha256 hash;
  bool plain = false;
  for (std::uint64_t variant = 0; variant < 3000; ++variant) {
    for (std::size_t l = 0; l < kLanguages; ++l) {
      const std::string text = caption(scenario, static_cast<Language>(l), variant);
      hash.update(base::as_bytes(text));
      plain = plain || text == "a red ball rolls to the left, then hits a blue star on green ground";
    }
  }
  EXPECT_TRUE(plain);
  EXPECT_EQ(hash.finish().hex(), "a624f76f445983ffa23758c1741e6e1e8f04dc5be0127c40e383f1165812a772");
}

TEST(WorldDataset, ItemsAreAPureFunctionOfSeedAndIndex) {
  constexpr ClipShape kSmall = {32, 32, 9, 8};
  const auto one = WorldDataset::open(7, kSmall);
  const auto same = WorldDataset::open(7, kSmall);
  const auto other = WorldDataset::open(8, kSmall);
  ASSERT_TRUE(one.ok() && same.ok() && other.ok());
  EXPECT_EQ(one->clip(3)->rgb, same->clip(3)->rgb);
  EXPECT_EQ(one->clip(3)->caption, one->caption(3, 0));
  EXPECT_NE(one->clip(3)->rgb, other->clip(3)->rgb);
  EXPECT_EQ(one->identity(), same->identity());
  EXPECT_NE(one->identity(), other->identity());
  std::set<std::string> wordings;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) wordings.insert(one->caption(3, epoch));
  EXPECT_GT(wordings.size(), 12U);
  EXPECT_FALSE(WorldDataset::open(1, {30, 32, 5, 8}).ok());
}

// The trainer makes its vocabulary from the first 20,000 captions; far fewer have every word.
TEST(WorldDataset, CaptionsUseTheWholeVocabulary) {
  std::string all;
  for (std::uint64_t i = 0; i < 300; ++i) {
    TakeOptions options;
    options.plot = i % 2 == 0 ? Plot::kSingle : static_cast<Plot>(i / 2 % kPlots);
    if (i % 20 == 0) options.camera = Camera::kFollow;
    const Take taken = take(derive(38, i), options);
    for (std::uint64_t variant = 0; variant < 8; ++variant) {
      all += padded(caption(taken.scenario, Language::kEnglish, derive(i, variant)));
      all += caption(taken.scenario, Language::kSimplified, derive(i, variant));
      all += caption(taken.scenario, Language::kTraditional, derive(i, variant));
    }
  }
  const auto expect_all = [&](Phrases phrases) {
    for (const std::string_view phrase : phrases) EXPECT_NE(all.find(phrase), std::string::npos) << phrase;
  };
  for (std::size_t a = 0; a < kActs; ++a) {
    if (static_cast<Act>(a) == Act::kStop) continue;  // of longer clips
    for (const Shape shape : {Shape::kBall, Shape::kBox}) {
      if (static_cast<Act>(a) == Act::kLaunch && shape == Shape::kBall) continue;
      expect_all(chinese::verbs(static_cast<Act>(a), shape));
      for (const english::Verb& verb : english::verbs(static_cast<Act>(a), shape)) expect_all(Phrases(&verb.one, 1));
    }
  }
  for (std::size_t s = 0; s < kShapes; ++s) expect_all(chinese::nouns(static_cast<Shape>(s)));
  for (std::size_t g = 0; g < kGrounds; ++g) {
    expect_all(english::ground(static_cast<Ground>(g)));
    expect_all(chinese::ground(static_cast<Ground>(g)));
  }
  for (std::size_t k = 0; k < kCameras; ++k) {
    expect_all(english::camera(static_cast<Camera>(k)));
    expect_all(chinese::camera(static_cast<Camera>(k)));
  }
  for (const char* word : {"鏡頭", "紅", "蹺蹺板", " then ", " after ", " before ", " two ", " three ", " four "}) {
    EXPECT_NE(all.find(word), std::string::npos) << word;
  }
}

}  // namespace
}  // namespace starling::train::world
