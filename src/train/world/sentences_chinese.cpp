#include <algorithm>
#include <array>

#include "train/world/sentences.h"
#include "train/world/words.h"

namespace starling::train::world {

namespace {

constexpr std::array<std::string_view, 5> kChineseNumbers = {"零个", "一个", "两个", "三个", "四个"};

class Chinese {
 public:
  Chinese(const Scenario& scenario, const Telling& telling, bool tersely, Random& random, Said& said)
      : scenario_(scenario), telling_(telling), random_(random), mentions_(said) {
    mentions_ = draw_mentions(scenario, tersely, random);
    mentions_.relations.assign(telling.relations.size(), false);
    for (const Actor& actor : scenario.actors) {
      nouns_[static_cast<std::size_t>(actor.thing.shape)] = choose(chinese::nouns(actor.thing.shape), random_);
      colours_[static_cast<std::size_t>(actor.thing.colour)] = choose(chinese::colour(actor.thing.colour), random_);
    }
    introduced_.resize(scenario.actors.size(), false);
  }

  std::string text() {
    const bool camera_first = mentions_.camera && scenario_.camera.kind != Camera::kFollow && random_.chance(0.25);
    std::string text = camera_first ? camera() + "，" : std::string();
    text += setting();
    text += body();
    if (mentions_.camera && !camera_first) text += join({"，", camera()});
    if (random_.chance(0.4)) text += "。";
    return text;
  }

 private:
  using Subjects = std::vector<std::size_t>;
  const Thing& thing(std::size_t actor) const { return scenario_.actors[actor].thing; }

  // 带条纹的红色小球
  std::string look(std::size_t actor, bool fully) {
    const Thing& t = thing(actor);
    const std::string noun(nouns_[static_cast<std::size_t>(t.shape)]);
    const std::string colour(colours_[static_cast<std::size_t>(t.colour)]);
    std::string pattern;
    if (fully && mentions_.pattern[actor])
      pattern = join({std::string(choose(chinese::pattern(t.pattern), random_)), "的"});
    const std::string size = fully && mentions_.size[actor] ? std::string(choose(chinese::size(t.size), random_)) : "";
    // A colour of one character stands right before its noun.
    const bool bare = colour.size() == 3;
    const std::string link = !bare && random_.chance(0.7) ? "的" : "";
    if (t.size == Size::kMedium && !size.empty()) return join({pattern, size, "的", colour, link, noun});
    if (bare && !size.empty()) return join({pattern, size, colour, noun});
    return join({pattern, colour, link, size, noun});
  }

  bool only_of_its_shape(std::size_t actor) const {
    return std::count_if(scenario_.actors.begin(), scenario_.actors.end(),
                         [&](const Actor& a) { return a.thing.shape == thing(actor).shape; }) == 1;
  }

  std::string alike(const Subjects& subjects, std::size_t first, std::size_t count) {
    const std::size_t actor = subjects[first];
    const bool known = introduced_[actor];
    for (std::size_t i = 0; i < count; ++i) introduced_[subjects[first + i]] = true;
    if (!known || count > 1) return join({known ? "那" : "", std::string(kChineseNumbers[count]), look(actor, !known)});
    if (only_of_its_shape(actor) && random_.chance(0.3)) {
      return std::string(nouns_[static_cast<std::size_t>(thing(actor).shape)]);
    }
    return look(actor, false);
  }

  std::string who(const Subjects& subjects) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < subjects.size();) {
      const std::size_t count = count_alike(scenario_, subjects, i);
      parts.push_back(alike(subjects, i, count));
      i += count;
    }
    std::string phrase = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) phrase += (i + 1 == parts.size() ? "和" : "、") + parts[i];
    return phrase;
  }
  std::string who(std::size_t actor) { return who(Subjects{actor}); }

  // 向左滚动; 从斜坡上向左滑下来 would be split, so a direction goes before the whole.
  std::string does(const Saying& saying) {
    const std::string verb(choose(chinese::verbs(saying.act, thing(saying.subjects[0]).shape), random_));
    std::string phrase;
    if (saying.direction != Direction::kNone) phrase = choose(chinese::direction(saying.direction), random_);
    phrase += verb;
    if (saying.object != kNobody) phrase += who(saying.object);
    if (saying.act == Act::kLandOn) phrase += "上";
    return phrase;
  }

  std::string says(const Saying& saying) {
    if (saying.act == Act::kHit && plain_ && random_.chance(0.2)) {
      const std::string object = who(saying.object);
      return join({object, "被", who(saying.subjects), random_.chance(0.5) ? "撞到" : "撞上"});
    }
    if (saying.act == Act::kHit && plain_ && random_.chance(0.15)) {
      const std::string subject = who(saying.subjects);
      return join({subject, "和", who(saying.object), "相撞"});
    }
    const std::string subject = who(saying.subjects);
    const bool both = saying.subjects.size() > 1 && random_.chance(0.5);
    return join({subject, both ? "都" : "", does(saying)});
  }

  std::string says_of_it(const Saying& saying) { return join({random_.chance(0.5) ? "它" : "", does(saying)}); }

  std::string says(const Moment& moment) {
    std::string text = says(moment[0]);
    for (std::size_t i = 1; i < moment.size(); ++i) {
      text += random_.chance(0.3) ? "，同时" : "，";
      text += says(moment[i]);
    }
    return text;
  }

  static bool same_subject(const Moment& before, const Moment& after) {
    return before.size() == 1 && after.size() == 1 && before[0].subjects == after[0].subjects &&
           before[0].subjects.size() == 1;
  }

  std::string body() {
    const bool relations_first = random_.chance(0.5);
    std::string text = relations_first || telling_.moments.empty() ? relations() : std::string();
    if (!telling_.moments.empty()) {
      if (!text.empty()) text += "，";
      text += moments();
      if (!relations_first) {
        const std::string more = relations();
        if (!more.empty()) text += "，" + more;
      }
    }
    if (telling_.silent.empty()) return text;
    const std::string them = who(telling_.silent);
    if (!text.empty()) return join({text, "，还有", them});
    return random_.chance(0.5) ? "有" + them : them;
  }

  std::string relations() {
    std::string text;
    for (std::size_t i = 0; i < telling_.relations.size(); ++i) {
      const Relation& relation = telling_.relations[i];
      const bool tower = relation.kind == RelationKind::kOnTopOf;
      if (!tower && !random_.chance(0.8)) continue;
      mentions_.relations[i] = true;
      const bool turned = random_.chance(0.4);
      const std::string first = who(turned ? relation.object : relation.subject);
      const std::string second = who(turned ? relation.subject : relation.object);
      const char* side = tower ? (turned ? "下面" : "上面") : turned ? "右边" : "左边";
      if (!text.empty()) text += "，";
      text += join({first, "在", second, side});
    }
    return text;
  }

  std::string moments() {
    const auto& m = telling_.moments;
    if (m.size() == 2 && m[0].size() == 1 && m[1].size() == 1 && random_.chance(0.35))
      return two_moments(m[0][0], m[1][0]);
    std::string text = says(m[0]);
    if (m.size() > 1 && random_.chance(0.2)) text = "先是" + text;
    for (std::size_t i = 1; i < m.size(); ++i) {
      static constexpr std::array<std::string_view, 4> kLinks = {"，然后", "，接着", "，随后", "，之后"};
      text += choose(Phrases(kLinks), random_);
      text += same_subject(m[i - 1], m[i]) ? says_of_it(m[i][0]) : says(m[i]);
    }
    return text;
  }

  // In either order of words.
  std::string two_moments(const Saying& before, const Saying& after) {
    plain_ = false;
    const bool same = before.subjects == after.subjects && before.subjects.size() == 1;
    const auto second = [&](const Saying& saying) { return same ? says_of_it(saying) : says(saying); };
    switch (random_.below(3)) {
      case 0: {
        const std::string text = says(before);
        return join({text, "之后，", second(after)});
      }
      case 1: {
        const std::string text = says(after);
        return join({"在", text, "之前，", second(before)});
      }
      default: {
        const std::string text = says(after);
        return join({text, "，在此之前", second(before)});
      }
    }
  }

  // 夜里，在月球上，草地上，
  std::string setting() {
    std::string text;
    if (mentions_.sky) text += join({std::string(choose(chinese::sky(scenario_.setting.sky), random_)), "，"});
    if (mentions_.gravity)
      text += join({std::string(choose(chinese::gravity(scenario_.setting.gravity), random_)), "，"});
    if (mentions_.ground) {
      const std::string ground(choose(chinese::ground(scenario_.setting.ground), random_));
      text += join({random_.chance(0.5) ? "在" : "", ground, "上，"});
    }
    return text;
  }

  std::string camera() {
    std::string phrase(choose(chinese::camera(scenario_.camera.kind), random_));
    if (scenario_.camera.kind == Camera::kFollow) phrase += random_.chance(0.4) ? "它" : who(scenario_.camera.followed);
    return phrase;
  }

  const Scenario& scenario_;
  const Telling& telling_;
  Random& random_;
  Said& mentions_;
  std::array<std::string_view, kShapes> nouns_{};
  std::array<std::string_view, generate::kColours> colours_{};
  std::vector<bool> introduced_;
  bool plain_ = true;  // clauses stand for themselves: they may be in the passive
};

}  // namespace

std::string chinese_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random,
                              Said& said) {
  return Chinese(scenario, telling, tersely, random, said).text();
}

}  // namespace starling::train::world
