#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "train/world/caption.h"
#include "train/world/prompt.h"
#include "train/world/random.h"
#include "train/world/take.h"
#include "train/world/telling.h"

namespace starling::train::world {
namespace {

std::string look(const Scenario& scenario, std::size_t actor) {
  if (actor >= scenario.actors.size()) return "nobody";
  const Thing& thing = scenario.actors[actor].thing;
  return std::string(generate::name(thing.colour)) + " " + std::string(name(thing.shape));
}

// What a telling comes to, in words that do not depend on how things are numbered.
std::string told(const Scenario& scenario) {
  std::vector<std::string> things;
  for (std::size_t i = 0; i < scenario.actors.size(); ++i) things.push_back(look(scenario, i));
  std::sort(things.begin(), things.end());
  std::string text;
  for (const std::string& thing : things) text += thing + ", ";
  for (const Moment& moment : tell_story(scenario).moments) {
    std::vector<std::string> deeds;
    for (const Saying& saying : moment) {
      for (const std::size_t subject : saying.subjects) {
        std::string deed = look(scenario, subject);
        deed += " " + std::string(name(saying.act));
        if (saying.object != kNobody) deed += " " + look(scenario, saying.object);
        if (saying.direction != Direction::kNone) deed += " " + std::string(generate::name(saying.direction));
        deeds.push_back(deed);
      }
    }
    std::sort(deeds.begin(), deeds.end());
    text += "|";
    for (const std::string& deed : deeds) text += " " + deed + ";";
  }
  return text;
}

// Of captions of all kinds, in every script, how many are read back as they were meant.
double read_back(Language language, int count) {
  int right = 0;
  for (int i = 0; i < count; ++i) {
    TakeOptions options;
    options.split = Split::kAny;
    options.plot = static_cast<Plot>(static_cast<std::size_t>(i) % kPlots);
    const Scenario scenario = take(derive(77, static_cast<std::uint64_t>(i)), options).scenario;
    Said said;
    const std::string text = caption(scenario, language, static_cast<std::uint64_t>(i), said);
    const Understood understood = understand(text);
    EXPECT_TRUE(understood.unknown.empty()) << text << "\nhas \"" << understood.unknown.front() << "\"";
    const bool same = told(scenario) == told(understood.scenario);
    right += same ? 1 : 0;
    const Setting& place = understood.scenario.setting;
    if (said.ground) {
      EXPECT_EQ(place.ground, scenario.setting.ground) << text;
    }
    if (said.sky) {
      EXPECT_EQ(place.sky, scenario.setting.sky) << text;
    }
    EXPECT_EQ(place.gravity, scenario.setting.gravity) << text;
    if (said.camera) {
      EXPECT_EQ(understood.scenario.camera.kind, scenario.camera.kind) << text;
    }
  }
  return static_cast<double>(right) / count;
}

TEST(WorldPrompt, CaptionsAreReadBackAsTheyWereMeant) {
  constexpr int kCaptions = 300;
  EXPECT_GT(read_back(Language::kEnglish, kCaptions), 0.99);
  EXPECT_GT(read_back(Language::kSimplified, kCaptions), 0.99);
  EXPECT_GT(read_back(Language::kTraditional, kCaptions), 0.99);
}

std::string expanded(const std::string& prompt, bool moves = true) {
  return expand(understand(prompt), prompt, moves).value_or("nothing");
}

TEST(WorldPrompt, ExpandedPromptsSayAllThatAStoryNeeds) {
  const std::vector<std::pair<const char*, const char*>> kPrompts = {
      {"ball", "red ball, | red ball bounce;"},
      {"A BLUE BALL!", "blue ball, | blue ball bounce;"},
      {"a star hits a box", "red box, red star, | red star travel right;| red star hit red box;"},
      {"a bouncing green marble", "green ball, | green ball bounce;"},
      {"two boxes collide on the moon", "blue box, red box, | red box travel right;| red box hit blue box;"},
      {"a blue cube knocks over dominoes", "blue box, | blue box travel right;| blue box topple;"},
      {"a triangle reappears", "red triangle, | red triangle travel right;| red triangle hide;| red triangle emerge;"},
      {"a ball and a box", "red ball, red box, | red ball bounce; red box bounce;"},
      {"a yellow ball flies to the left, then a star falls",
       "red star, yellow ball, | yellow ball fly left;| red star fall;"},
      {"红球", "red ball, | red ball bounce;"},
      {"球撞方块", "red ball, red box, | red ball travel right;| red ball hit red box;"},
      {"一個紅色的球在月球上彈跳", "red ball, | red ball bounce;"},
      {"a small yellow star sits on a big green box at night", "green box, yellow star, "},
  };
  for (const auto& [prompt, wanted] : kPrompts) {
    const std::string text = expanded(prompt);
    const Understood understood = understand(text);
    EXPECT_TRUE(understood.unknown.empty()) << text;
    EXPECT_EQ(told(understood.scenario), wanted) << prompt << ": " << text;
    // What was told as captions tell it stays as it is.
    EXPECT_EQ(told(understand(expanded(text)).scenario), wanted) << prompt << ": " << text;
    EXPECT_LE(text.size(), kLongestCaption);
  }
  EXPECT_EQ(expanded("ball on a seesaw"), expanded("ball on a seesaw"));
  const Scenario moon = understand(expanded("two boxes collide on the moon at night")).scenario;
  EXPECT_EQ(moon.setting.gravity, Gravity::kMoon);
  EXPECT_EQ(moon.setting.sky, Sky::kNight);
}

TEST(WorldPrompt, AShortClipTellsOfNothingThatHappens) {
  EXPECT_EQ(told(understand(expanded("a red ball rolls left", false)).scenario), "red ball, ");
}

TEST(WorldPrompt, WhatIsNotOfThisWorldIsNamed) {
  const Understood understood = understand("an astronaut kicks a Red ball über the 海 ocean ocean");
  EXPECT_EQ(understood.unknown, (std::vector<std::string>{"astronaut", "kicks", "ü", "ber", "海", "ocean"}));
  EXPECT_EQ(told(understood.scenario), "red ball, ");
  EXPECT_EQ(expanded("a sunset over the ocean"), "nothing");
  EXPECT_EQ(expanded(""), "nothing");
}

TEST(WorldPrompt, AnyBytesAreRead) {
  Random random(5);
  const std::vector<std::string> kPieces = {
      "ball",     "the box", "a",     "hits", "is hit by", "被",        "then",   "before",  "after", ",",
      ".",        "on",      "under", "left", "上面",      "它",        "follow", "collide", "four",  "seesaw",
      "\xE7\x90", "\xFF",    "球",    "之前", "lands on",  "reappears", "red",    "and"};
  for (int i = 0; i < 600; ++i) {
    std::string prompt;
    for (std::uint32_t n = random.below(24); n > 0; --n)
      prompt += kPieces[random.below(static_cast<std::uint32_t>(kPieces.size()))] + " ";
    const Understood understood = understand(prompt);
    EXPECT_LE(understood.scenario.actors.size(), 4U);
    const auto text = expand(understood, prompt, i % 5 != 0);
    EXPECT_EQ(text.has_value(), !understood.scenario.actors.empty()) << prompt;
    if (text) {
      EXPECT_LE(text->size(), kLongestCaption) << prompt;
      EXPECT_TRUE(understand(*text).unknown.empty()) << prompt << ": " << *text;
    }
  }
}

}  // namespace
}  // namespace starling::train::world
