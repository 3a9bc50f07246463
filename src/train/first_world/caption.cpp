#include "train/first_world/caption.h"

#include <array>

#include "train/first_world/scene.h"
#include "train/first_world/words.h"
#include "train/world/phrases.h"
#include "train/world/random.h"

namespace starling::train {

using generate::Attributes;
using generate::Camera;
using generate::Direction;
using generate::Motion;
using generate::Size;

namespace {

// Which of the things that may be left out a caption mentions.
struct Mentions {
  bool size, direction, ground, sky, camera;

  Mentions(const Attributes& a, Random& random)
      : size(random.chance(a.size == Size::kMedium ? 0.15 : 0.9)),
        direction(random.chance(a.direction == Direction::kNone ? 0.1 : 1.0)),
        ground(random.chance(0.9)),
        sky(random.chance(0.5)),
        camera(random.chance(a.camera == Camera::kStill ? 0.25 : 0.95)) {
    if (a.direction == Direction::kNone && a.motion != Motion::kBounce) direction = false;
  }
};

enum class VerbForm { kFinite, kProgressive, kParticiple, kBare };

class English {
 public:
  English(const Attributes& attributes, std::uint64_t variant)
      : a_(attributes), random_(variant), mentions_(attributes, random_) {}

  std::string sentence() {
    std::string text = form(random_.below(16));
    if (random_.chance(0.25)) {
      text[0] = static_cast<char>(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
      text += '.';
    }
    return text;
  }

 private:
  std::string form(std::uint32_t which) {
    switch (which) {
      case 0:
      case 1:
        return join({object("a"), " ", action(VerbForm::kParticiple), scenery(), camera(", ")});
      case 2:
        return join({object(""), " ", action(VerbForm::kParticiple), scenery(), camera(", ")});
      case 3:
        return join({"there is ", object("a"), " that ", action(finite()), scenery(), camera(", ")});
      case 4:
        return join({split_object(), action(finite()), scenery(), camera(", ")});
      case 5:
        return join({"a video of ", object("a"), " ", action(VerbForm::kParticiple), scenery(), camera(", ")});
      case 6:
        return join({"watch ", object("a"), " ", action(VerbForm::kBare), scenery(), camera(", ")});
      case 7:
      case 8:
        return join({camera_first(), object("a"), " ", action(finite()), scenery()});
      case 9:
        return join({scenery_first(), object("a"), " ", action(finite()), camera(", ")});
      case 10:
        return join({object("the"), " ", action(finite()), scenery(), camera(", ")});
      default:
        return join({object("a"), " ", action(finite()), scenery(), camera(random_.chance(0.3) ? " while " : ", ")});
    }
  }

  VerbForm finite() { return random_.chance(0.75) ? VerbForm::kFinite : VerbForm::kProgressive; }

  std::string size() { return std::string(mentions_.size ? choose(english::size(a_.size), random_) : ""); }
  std::string colour() { return std::string(choose(english::colour(a_.colour), random_)); }
  std::string noun() { return std::string(choose(english::noun(a_.shape), random_)); }

  // "a small red ball"
  std::string object(std::string_view article) {
    std::string phrase = size();
    add(phrase, colour());
    add(phrase, noun());
    if (article == "a" && std::string_view("aeio").find(phrase[0]) != std::string_view::npos) article = "an";
    std::string whole(article);
    add(whole, phrase);
    return whole;
  }

  // "the ball is small and red and it "
  std::string split_object() {
    std::string whole = join({"the ", noun(), " is "});
    if (mentions_.size) whole += join({size(), " and "});
    return whole + join({colour(), random_.chance(0.5) ? " and it " : ", it "});
  }

  // "bounces to the left"
  std::string action(VerbForm form) {
    const EnglishVerb& verb = choose(english::verbs(a_.motion), random_);
    std::string phrase(form == VerbForm::kFinite ? verb.finite : form == VerbForm::kBare ? verb.bare : verb.participle);
    if (form == VerbForm::kProgressive) phrase = "is " + phrase;
    add(phrase, verb.rest);
    if (mentions_.direction) add(phrase, choose(english::direction(a_.direction), random_));
    return phrase;
  }

  // "on green ground under a blue sky"
  std::string setting(bool sky_first) {
    std::string sky(mentions_.sky ? choose(english::sky(a_.sky), random_) : "");
    std::string ground;
    if (mentions_.ground) {
      add(ground, choose(english::preposition(a_.motion), random_));
      add(ground, choose(english::ground(a_.ground), random_));
    }
    std::string phrase = sky_first ? sky : ground;
    add(phrase, sky_first ? ground : sky);
    return phrase;
  }

  std::string scenery() {
    const std::string phrase = setting(false);
    return phrase.empty() ? phrase : " " + phrase;
  }

  std::string scenery_first() {
    const std::string phrase = setting(true);
    return phrase.empty() ? phrase : phrase + ", ";
  }

  // Of the camera's phrases only clauses, which begin with "the", follow a conjunction.
  static bool is_clause(std::string_view phrase) { return phrase.substr(0, 4) == "the "; }

  std::string camera(std::string_view link) {
    if (!mentions_.camera) return {};
    const std::string_view phrase = choose(english::camera(a_.camera), random_);
    return std::string(is_clause(phrase) ? link : ", ").append(phrase);
  }

  std::string camera_first() {
    if (!mentions_.camera) return {};
    const std::string_view phrase = choose(english::camera(a_.camera), random_);
    constexpr std::array<std::string_view, 3> kLinks = {" while ", " as ", ", "};
    return std::string(phrase).append(is_clause(phrase) ? kLinks[random_.below(kLinks.size())] : ", ");
  }

  Attributes a_;
  Random random_;
  Mentions mentions_;
};

class Chinese {
 public:
  Chinese(const Attributes& attributes, std::uint64_t variant)
      : a_(attributes), random_(variant), mentions_(attributes, random_) {}

  std::string sentence() {
    std::string text = form(random_.below(6));
    if (random_.chance(0.4)) text += "。";
    return text;
  }

 private:
  std::string form(std::uint32_t which) {
    if (which == 0) return join({sky(), scene_with_it(), camera("，", "")});
    if (which == 1) return join({camera("", "，"), sky(), object(), action()});
    return join({sky(), object(), action(), camera("，", "")});
  }

  // 绿色地面上有一个红色的球，它在弹跳
  std::string scene_with_it() {
    if (!mentions_.ground) return join({"有", object(), "，它", direction(), verb()});
    return join({ground(), "上有", object(), "，它", direction(), verb()});
  }

  std::string ground() { return std::string(choose(chinese::ground(a_.ground), random_)); }
  std::string verb() { return std::string(choose(chinese::verb(a_.motion), random_)); }

  std::string direction() {
    return mentions_.direction ? std::string(choose(chinese::direction(a_.direction), random_)) : std::string();
  }

  // 一个红色的小球
  std::string object() {
    const std::string colour(choose(chinese::colour(a_.colour), random_));
    const std::string noun(choose(chinese::noun(a_.shape), random_));
    const std::string size(mentions_.size ? choose(chinese::size(a_.size), random_) : "");
    if (size.empty()) return join({"一个", colour, random_.chance(0.5) ? "的" : "", noun});
    if (a_.size == Size::kMedium) return join({"一个", size, "的", colour, noun});
    return random_.chance(0.3) ? join({"一个", size, colour, noun}) : join({"一个", colour, "的", size, noun});
  }

  // 在绿色地面上向左弹跳
  std::string action() {
    if (!mentions_.ground) return join({random_.chance(0.3) ? "正在" : "", direction(), verb()});
    if (a_.motion == Motion::kFall && random_.chance(0.4)) return join({verb(), "到", ground(), "上"});
    if (a_.motion == Motion::kRise && random_.chance(0.4)) return join({"从", ground(), verb()});
    const bool aloft = a_.motion == Motion::kFall || a_.motion == Motion::kRise || a_.motion == Motion::kOrbit;
    return join({"在", ground(), aloft ? "上方" : "上", direction(), verb()});
  }

  std::string sky() {
    return mentions_.sky ? join({std::string(choose(chinese::sky(a_.sky), random_)), "，"}) : std::string();
  }

  std::string camera(const char* before, const char* after) {
    if (!mentions_.camera) return {};
    return join({before, std::string(choose(chinese::camera(a_.camera), random_)), after});
  }

  Attributes a_;
  Random random_;
  Mentions mentions_;
};

}  // namespace

std::string caption(const Attributes& attributes, Language language, std::uint64_t variant) {
  return language == Language::kEnglish ? English(attributes, variant).sentence()
                                        : Chinese(attributes, variant).sentence();
}

std::vector<std::string> caption_corpus(std::size_t n, std::uint64_t seed) {
  std::vector<std::string> corpus;
  corpus.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t key = derive(seed, i);
    corpus.push_back(
        caption(sample_scene(key).attributes, i % 3 == 2 ? Language::kChinese : Language::kEnglish, derive(key, 2)));
  }
  return corpus;
}

}  // namespace starling::train
