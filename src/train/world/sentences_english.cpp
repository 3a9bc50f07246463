#include <algorithm>
#include <array>

#include "train/world/sentences.h"
#include "train/world/words.h"

namespace starling::train::world {

namespace {

constexpr std::array<std::string_view, 5> kEnglishNumbers = {"no", "one", "two", "three", "four"};

class English {
 public:
  English(const Scenario& scenario, const Telling& telling, bool tersely, Random& random, Said& said)
      : scenario_(scenario), telling_(telling), random_(random), mentions_(said) {
    mentions_ = draw_mentions(scenario, tersely, random);
    mentions_.relations.assign(telling.relations.size(), false);
    for (const Actor& actor : scenario.actors) {
      nouns_[static_cast<std::size_t>(actor.thing.shape)] = &choose(english::nouns(actor.thing.shape), random_);
      colours_[static_cast<std::size_t>(actor.thing.colour)] = choose(english::colour(actor.thing.colour), random_);
    }
    introduced_.resize(scenario.actors.size(), false);
  }

  std::string text() {
    const bool camera_first = mentions_.camera && scenario_.camera.kind != Camera::kFollow && random_.chance(0.2);
    const bool setting_first = !camera_first && random_.chance(0.3);
    begins_ = !camera_first && !setting_first;
    std::string text;
    if (camera_first) {
      finite_ = random_.chance(0.4);
      text = join({camera(), finite_ ? " while " : ", "});
    }
    if (setting_first) {
      text = setting();
      if (!text.empty()) text += ", ";
    }
    text += body();
    if (!setting_first) add(text, setting());
    if (mentions_.camera && !camera_first) text += join({random_.chance(0.3) ? " while " : ", ", camera()});
    if (random_.chance(0.25)) {
      text[0] = static_cast<char>(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
      text += '.';
    }
    return text;
  }

 private:
  using Subjects = std::vector<std::size_t>;
  const Thing& thing(std::size_t actor) const { return scenario_.actors[actor].thing; }

  // --- who

  // "small striped red ball"
  std::string look(std::size_t actor, bool many, bool fully) {
    const Thing& t = thing(actor);
    std::string phrase;
    if (fully && mentions_.size[actor]) add(phrase, choose(english::size(t.size), random_));
    if (fully && mentions_.pattern[actor]) add(phrase, choose(english::pattern(t.pattern), random_));
    add(phrase, colours_[static_cast<std::size_t>(t.colour)]);
    const english::Noun& noun = *nouns_[static_cast<std::size_t>(t.shape)];
    add(phrase, many ? noun.many : noun.one);
    return phrase;
  }

  // Whether the noun alone says which is meant.
  bool only_of_its_shape(std::size_t actor) const {
    return std::count_if(scenario_.actors.begin(), scenario_.actors.end(),
                         [&](const Actor& a) { return a.thing.shape == thing(actor).shape; }) == 1;
  }

  // "a small red ball", "the red ball", "three blue boxes"
  std::string alike(const Subjects& subjects, std::size_t first, std::size_t count) {
    const std::size_t actor = subjects[first];
    const bool known = introduced_[actor];
    for (std::size_t i = 0; i < count; ++i) introduced_[subjects[first + i]] = true;
    if (count > 1) {
      return join({known ? "the " : "", std::string(kEnglishNumbers[count]), " ", look(actor, true, !known)});
    }
    if (!known) {
      const std::string phrase = look(actor, false, true);
      const bool vowel = std::string_view("aeio").find(phrase[0]) != std::string_view::npos;
      return (vowel ? "an " : "a ") + phrase;
    }
    if (only_of_its_shape(actor) && random_.chance(0.4)) {
      return "the " + std::string(nouns_[static_cast<std::size_t>(thing(actor).shape)]->one);
    }
    return "the " + look(actor, false, false);
  }

  // "a red ball, a blue box and two green stars"
  std::string who(const Subjects& subjects) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < subjects.size();) {
      const std::size_t count = count_alike(scenario_, subjects, i);
      parts.push_back(alike(subjects, i, count));
      i += count;
    }
    std::string phrase = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) phrase += (i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return phrase;
  }
  std::string who(std::size_t actor) { return who(Subjects{actor}); }

  // --- what they do

  enum class Form { kFinite, kParticiple };

  // "rolls to the left", "is rolling to the left", "rolling to the left"
  std::string does(const Saying& saying, Form form) {
    const bool many = saying.subjects.size() > 1;
    const english::Verb& verb = choose(english::verbs(saying.act, thing(saying.subjects[0]).shape), random_);
    std::string phrase;
    if (form == Form::kParticiple) {
      phrase = verb.ing;
    } else if (plain_ && lasts(saying.act) && random_.chance(0.2)) {
      phrase = join({many ? "are " : "is ", std::string(verb.ing)});
    } else {
      phrase = many ? verb.many : verb.one;
    }
    add(phrase, verb.rest);
    if (saying.object != kNobody) add(phrase, who(saying.object));
    if (saying.direction != Direction::kNone) add(phrase, choose(english::direction(saying.direction), random_));
    return phrase;
  }

  // Acts that last.
  static bool lasts(Act act) {
    return act == Act::kStay || act == Act::kFall || act == Act::kBounce || act == Act::kTravel || act == Act::kSwing ||
           act == Act::kDescend;
  }

  // A whole clause; `bare` leaves the subject out, which is that of the clause before.
  std::string says(const Saying& saying, bool bare = false) {
    if (bare) return does(saying, Form::kFinite);
    if (saying.act == Act::kHit && plain_ && random_.chance(0.2)) {
      const std::string object = who(saying.object);
      return join({object, " is hit by ", who(saying.subjects)});
    }
    if (saying.act == Act::kHit && plain_ && random_.chance(0.15)) {
      const std::string subject = who(saying.subjects);
      return join({subject, " and ", who(saying.object), " collide"});
    }
    const std::string subject = who(saying.subjects);
    return join({subject, " ", does(saying, Form::kFinite)});
  }

  // With "it" where that can only be who was spoken of last.
  std::string says_of_it(const Saying& saying) { return "it " + does(saying, Form::kFinite); }

  std::string says(const Moment& moment) {
    std::string text = says(moment[0]);
    for (std::size_t i = 1; i < moment.size(); ++i) {
      const bool last = i + 1 == moment.size();
      // What follows from a hit does not go on beside it.
      const bool beside = random_.chance(0.5) && moment[0].act != Act::kHit;
      text += last ? (beside ? " while " : " and ") : ", ";
      text += says(moment[i]);
    }
    return text;
  }

  static bool same_subject(const Moment& before, const Moment& after) {
    return before.size() == 1 && after.size() == 1 && before[0].subjects == after[0].subjects &&
           before[0].subjects.size() == 1;
  }

  // --- the whole

  std::string body() {
    const bool relations_first = random_.chance(0.5);
    std::string text = relations_first || telling_.moments.empty() ? relations() : std::string();
    if (!telling_.moments.empty()) {
      if (!text.empty()) text += random_.chance(0.5) ? ". " : ", ";
      text += moments();
      if (!relations_first) {
        const std::string more = relations();
        if (!more.empty()) text += ", " + more;
      }
    }
    return with_the_silent(text);
  }

  std::string with_the_silent(const std::string& text) {
    if (telling_.silent.empty()) return text;
    const bool several = count_alike(scenario_, telling_.silent, 0) > 1;
    std::string them = who(telling_.silent);
    if (!text.empty()) return join({text, several ? ", there are also " : ", there is also ", them});
    switch (random_.below(3)) {
      case 0:
        return join({several ? "there are " : "there is ", them});
      case 1:
        return "a picture of " + them;
      default:
        return them;
    }
  }

  std::string relations() {
    std::string text;
    for (std::size_t i = 0; i < telling_.relations.size(); ++i) {
      const Relation& relation = telling_.relations[i];
      const bool tower = relation.kind == RelationKind::kOnTopOf;
      if (!tower && !random_.chance(0.8)) continue;
      mentions_.relations[i] = true;
      static constexpr std::array<std::string_view, 4> kOn = {" rests on top of ", " is on top of ", " sits on ",
                                                              " stands on "};
      static constexpr std::array<std::string_view, 2> kUnder = {" is under ", " is below "};
      static constexpr std::array<std::string_view, 2> kLeft = {" is to the left of ", " is left of "};
      static constexpr std::array<std::string_view, 2> kRight = {" is to the right of ", " is right of "};
      const bool turned = random_.chance(0.4);
      const Phrases link = tower    ? (turned ? Phrases(kUnder) : Phrases(kOn))
                           : turned ? Phrases(kRight)
                                    : Phrases(kLeft);
      const std::string first = who(turned ? relation.object : relation.subject);
      const std::string middle(choose(link, random_));
      if (!text.empty()) text += ", ";
      text += join({first, middle, who(turned ? relation.subject : relation.object)});
    }
    return text;
  }

  std::string moments() {
    const auto& m = telling_.moments;
    if (m.size() == 1 && m[0].size() == 1 && !any_introduced() && m[0][0].object == kNobody) return one_saying(m[0][0]);
    if (m.size() == 2 && m[0].size() == 1 && m[1].size() == 1 && random_.chance(0.4))
      return two_moments(m[0][0], m[1][0]);
    std::string text = says(m[0]);
    if (m.size() > 1 && random_.chance(0.15)) text = "first " + text;
    for (std::size_t i = 1; i < m.size(); ++i) {
      static constexpr std::array<std::string_view, 5> kLinks = {", then ", " and then ", "; then ", ", after that ",
                                                                 ". then "};
      const std::string_view link = choose(Phrases(kLinks), random_);
      text += link;
      if (!same_subject(m[i - 1], m[i])) {
        text += says(m[i]);
        continue;
      }
      const bool clause_may_lack_a_subject = link == ", then " || link == " and then ";
      text += clause_may_lack_a_subject && random_.chance(0.6) ? says(m[i][0], true) : says_of_it(m[i][0]);
    }
    return text;
  }

  bool any_introduced() const { return std::find(introduced_.begin(), introduced_.end(), true) != introduced_.end(); }

  std::string one_saying(const Saying& saying) {
    switch (finite_ ? 7 : random_.below(8)) {
      case 0:
      case 1: {
        const std::string subject = who(saying.subjects);
        return join({subject, " ", does(saying, Form::kParticiple)});
      }
      case 2: {
        if (!begins_) return says(saying);
        const std::string subject = who(saying.subjects);
        return join({"a video of ", subject, " ", does(saying, Form::kParticiple)});
      }
      case 3: {
        const bool several = count_alike(scenario_, saying.subjects, 0) > 1;
        const std::string subject = who(saying.subjects);
        return join({several ? "there are " : "there is ", subject, " that ", does(saying, Form::kFinite)});
      }
      default:
        return says(saying);
    }
  }

  // In either order of words.
  std::string two_moments(const Saying& before, const Saying& after) {
    plain_ = false;
    // "It" is not to be taken for an object.
    const bool same = before.subjects == after.subjects && before.subjects.size() == 1 && before.object == kNobody &&
                      after.object == kNobody;
    const auto second = [&](const Saying& saying) { return same ? says_of_it(saying) : says(saying); };
    switch (random_.below(4)) {
      case 0: {
        const std::string text = says(before);
        return join({"after ", text, ", ", second(after)});
      }
      case 1: {
        const std::string text = says(after);
        return join({text, " after ", second(before)});
      }
      case 2: {
        const std::string text = says(after);
        return join({"before ", text, ", ", second(before)});
      }
      default: {
        const std::string text = says(before);
        return join({text, " before ", second(after)});
      }
    }
  }

  // --- where

  std::string setting() {
    std::array<std::string, 3> parts;
    if (mentions_.ground) parts[0] = "on " + std::string(choose(english::ground(scenario_.setting.ground), random_));
    if (mentions_.sky) parts[1] = choose(english::sky(scenario_.setting.sky), random_);
    if (mentions_.gravity) parts[2] = choose(english::gravity(scenario_.setting.gravity), random_);
    if (random_.chance(0.4)) std::swap(parts[0], parts[2]);
    if (random_.chance(0.3)) std::swap(parts[1], parts[2]);
    std::string phrase;
    for (const std::string& part : parts) add(phrase, part);
    return phrase;
  }

  std::string camera() {
    std::string phrase(choose(english::camera(scenario_.camera.kind), random_));
    if (scenario_.camera.kind == Camera::kFollow) {
      add(phrase, random_.chance(0.4) ? "it" : who(scenario_.camera.followed));
    }
    return phrase;
  }

  const Scenario& scenario_;
  const Telling& telling_;
  Random& random_;
  Said& mentions_;
  std::array<const english::Noun*, kShapes> nouns_{};
  std::array<std::string_view, generate::kColours> colours_{};
  std::vector<bool> introduced_;
  bool begins_ = true;   // nothing is said before the body
  bool finite_ = false;  // the body follows a conjunction
  bool plain_ = true;    // clauses stand for themselves: they may be in the progressive or the passive
};

}  // namespace

std::string english_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random,
                              Said& said) {
  return English(scenario, telling, tersely, random, said).text();
}

}  // namespace starling::train::world
