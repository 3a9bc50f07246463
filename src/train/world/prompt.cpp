#include "train/world/prompt.h"

#include <algorithm>
#include <array>

#include "train/world/caption.h"
#include "train/world/lexicon.h"
#include "train/world/telling.h"

namespace starling::train::world {

namespace {

constexpr std::size_t kMostThings = 4;
constexpr std::size_t kMostClauses = 6;

bool has_object(Act act) { return act == Act::kHit || act == Act::kLandOn; }
bool has_direction(Act act) {
  return act == Act::kTravel || act == Act::kFly || act == Act::kDescend || act == Act::kBounce;
}

class Reader {
 public:
  explicit Reader(std::string_view prompt) : words_(read_words(prompt)) {}

  Understood read() {
    for (const Word& word : words_) take(word);
    std::stable_sort(clauses_.begin(), clauses_.end(),
                     [](const Clause& a, const Clause& b) { return a.time < b.time; });
    result_.scenario.story.clauses = std::move(clauses_);
    for (std::size_t i = 0; i < result_.scenario.actors.size(); ++i) {
      if (!coloured_[i]) give_colour(i);
    }
    return std::move(result_);
  }

 private:
  using Things = std::vector<std::size_t>;
  std::vector<Actor>& actors() { return result_.scenario.actors; }

  void take(const Word& word) {
    // Adjectives keep the article that stands before them for their noun.
    known_one_ = known_one_ || word.known_one;
    new_one_ = new_one_ || word.new_one;
    switch (word.meaning) {
      case Meaning::kColour:
        colour_ = static_cast<Colour>(word.value);
        break;
      case Meaning::kSize:
        size_ = static_cast<Size>(word.value);
        break;
      case Meaning::kPattern:
        pattern_ = static_cast<Pattern>(word.value);
        break;
      case Meaning::kNumber:
        number_ = word.value;
        break;
      case Meaning::kShape:
        speak_of(things_meant(static_cast<Shape>(word.value)));
        forget_adjectives();
        break;
      case Meaning::kIt:
        if (!subjects_.empty()) speak_of(subjects_);
        forget_adjectives();
        break;
      case Meaning::kAct:
        act(static_cast<Act>(word.value), word.new_one);
        break;
      case Meaning::kDirection:
        turn(static_cast<Direction>(word.value));
        break;
      case Meaning::kGround:
        result_.scenario.setting.ground = static_cast<Ground>(word.value);
        rest_if_nothing_is_under_it();
        forget_adjectives();
        break;
      case Meaning::kSky:
        result_.scenario.setting.sky = static_cast<Sky>(word.value);
        forget_adjectives();
        break;
      case Meaning::kGravity:
        result_.scenario.setting.gravity = static_cast<Gravity>(word.value);
        rest_if_nothing_is_under_it();
        forget_adjectives();
        break;
      case Meaning::kCamera:
        result_.scenario.camera.kind = static_cast<Camera>(word.value);
        follows_ = result_.scenario.camera.kind == Camera::kFollow;
        forget_adjectives();
        break;
      case Meaning::kOnTopOf:
      case Meaning::kUnder:
      case Meaning::kLeftOf:
      case Meaning::kRightOf:
        if (word.value == 1) {
          relate(word.meaning, before_last_, last_);
          untold_ = false;
        } else {
          relation_ = word.meaning;
        }
        break;
      case Meaning::kHitBy:
        if (!subjects_.empty()) struck_ = subjects_[0];
        break;
      case Meaning::kCollide:
        collide();
        break;
      case Meaning::kThen:
        new_moment(moment_ + 1);
        break;
      case Meaning::kEarlier:
        new_moment(moment_ - 1);
        break;
      case Meaning::kAfter:
      case Meaning::kBefore:
        order(word.meaning == Meaning::kAfter);
        break;
      case Meaning::kComma:
        if (after_comma_ != 0 && told_in_sentence_) {
          new_moment(moment_ + after_comma_);
          after_comma_ = 0;
        }
        joined_ = untold_;
        may_turn_ = false;
        break;
      case Meaning::kStop:
        told_in_sentence_ = false;
        after_comma_ = 0;
        end_clause();
        break;
      case Meaning::kAnd:
        joined_ = untold_;
        break;
      case Meaning::kNothing:
        break;
      case Meaning::kUnknown:
        if (std::find(result_.unknown.begin(), result_.unknown.end(), word.text) == result_.unknown.end())
          result_.unknown.push_back(word.text);
        break;
    }
  }

  // --- things

  void forget_adjectives() {
    colour_.reset();
    size_.reset();
    pattern_.reset();
    number_ = 0;
    known_one_ = new_one_ = false;
  }

  bool may_be(std::size_t actor, Shape shape) const {
    const Thing& thing = result_.scenario.actors[actor].thing;
    return thing.shape == shape && (!colour_ || !coloured_[actor] || thing.colour == *colour_) &&
           (!size_ || thing.size == *size_);
  }

  // Those that were spoken of before, or new ones.
  Things things_meant(Shape shape) {
    Things meant;
    const bool speaks_of_known = known_one_ || !new_one_;
    const std::size_t count = std::max<std::size_t>(number_, 1);
    for (std::size_t i = 0; i < actors().size() && speaks_of_known; ++i) {
      if (may_be(i, shape)) meant.push_back(i);
    }
    if (number_ > 1 && meant.size() < count && !known_one_) meant.clear();
    if (meant.size() > count) meant.resize(count);
    while (meant.empty() || (number_ > 1 && !known_one_ && meant.size() < count)) {
      if (actors().size() == kMostThings) break;
      meant.push_back(new_thing(shape));
    }
    return meant;
  }

  std::size_t new_thing(Shape shape) {
    Actor actor;
    actor.thing.shape = shape;
    actor.thing.colour = colour_.value_or(Colour::kRed);
    actor.thing.size = size_.value_or(Size::kMedium);
    actor.thing.pattern = pattern_.value_or(Pattern::kPlain);
    actors().push_back(actor);
    coloured_.push_back(colour_.has_value());
    return actors().size() - 1;
  }

  // The first of the common colours that no thing of this shape has.
  void give_colour(std::size_t actor) {
    static constexpr std::array<Colour, kMostThings> kCommon = {Colour::kRed, Colour::kBlue, Colour::kGreen,
                                                                Colour::kYellow};
    Thing& thing = actors()[actor].thing;
    for (const Colour colour : kCommon) {
      thing.colour = colour;
      bool taken = false;
      for (std::size_t i = 0; i < actors().size(); ++i) {
        taken = taken || (i != actor && (coloured_[i] || i < actor) && actors()[i].thing.looks_like(thing));
      }
      if (!taken) return;
    }
  }

  void speak_of(const Things& things) {
    if (things.empty()) return;
    before_last_ = last_;
    last_ = things[0];
    if (follows_) {
      result_.scenario.camera.followed = things[0];
      follows_ = false;
      return;
    }
    if (wants_object_ != 0) {
      for (std::size_t i = clauses_.size() - wants_object_; i < clauses_.size(); ++i) clauses_[i].object = things[0];
      wants_object_ = 0;
      return;
    }
    if (relation_) {
      if (!subjects_.empty()) relate(*relation_, subjects_[0], things[0]);
      relation_.reset();
      untold_ = false;
      return;
    }
    if (struck_ != kNobody) {
      subjects_ = things;
      tell(Act::kHit, things[0], struck_);
      struck_ = kNobody;
      hit_told_ = true;
      return;
    }
    if (joined_ && !subjects_.empty()) {
      for (const std::size_t thing : things) {
        if (std::find(subjects_.begin(), subjects_.end(), thing) == subjects_.end()) subjects_.push_back(thing);
      }
    } else {
      subjects_ = things;
    }
    untold_ = true;
    joined_ = may_turn_ = false;
    if (waiting_act_) {
      const Act waiting = *waiting_act_;
      waiting_act_.reset();
      act(waiting, false);
    }
  }

  void relate(Meaning meaning, std::size_t first, std::size_t second) {
    if (first == kNobody || second == kNobody || first == second) return;
    const bool turned = meaning == Meaning::kUnder || meaning == Meaning::kRightOf;
    const bool tower = meaning == Meaning::kOnTopOf || meaning == Meaning::kUnder;
    std::vector<Relation>& relations = result_.scenario.story.relations;
    if (relations.size() >= kMostThings) return;
    relations.push_back(
        {tower ? RelationKind::kOnTopOf : RelationKind::kLeftOf, turned ? second : first, turned ? first : second});
  }

  // "sits on grass": what was taken for a relation is none.
  void rest_if_nothing_is_under_it() {
    if (relation_ == Meaning::kOnTopOf) act(Act::kStay, false);
    relation_.reset();
    // Nor is "falls on the sand" a landing on a thing.
    if (wants_object_ != 0) {
      for (std::size_t i = clauses_.size() - wants_object_; i < clauses_.size(); ++i) clauses_[i].act = Act::kFall;
    }
    wants_object_ = 0;
  }

  // --- deeds

  void tell(Act act, std::size_t subject, std::size_t object = kNobody) {
    told_in_sentence_ = may_turn_ = true;
    untold_ = false;
    // "rolls, moving left"
    for (Clause& other : clauses_) {
      if (other.act != act || other.subject != subject || other.time != moment_ || has_object(act)) continue;
      if (has_direction(act) && other.direction == Direction::kNone) other.direction = pending_direction_;
      return;
    }
    if (clauses_.size() >= kMostClauses) return;
    Clause clause;
    clause.act = act;
    clause.subject = subject;
    clause.object = object;
    clause.time = moment_;
    if (has_direction(act)) clause.direction = pending_direction_;
    clauses_.push_back(clause);
  }

  void act(Act act, bool of_the_next) {
    if (act == Act::kHit && hit_told_) {
      hit_told_ = false;
      return;
    }
    // "a bouncing ball"
    if (subjects_.empty() || of_the_next) {
      waiting_act_ = act;
      return;
    }
    relation_.reset();
    wants_object_ = 0;
    const std::size_t before = clauses_.size();
    for (const std::size_t subject : subjects_) tell(act, subject);
    if (has_object(act)) wants_object_ = clauses_.size() - before;
    pending_direction_ = Direction::kNone;
    hit_told_ = false;
  }

  void collide() {
    if (subjects_.size() < 2) return;
    tell(Act::kHit, subjects_[0], subjects_[1]);
  }

  void turn(Direction direction) {
    if (!may_turn_) {
      pending_direction_ = direction;
      return;
    }
    const Act act = clauses_.back().act;
    for (std::size_t i = clauses_.size(); i-- > 0 && clauses_[i].act == act && clauses_[i].time == moment_;) {
      if (has_direction(act) && clauses_[i].direction == Direction::kNone) clauses_[i].direction = direction;
    }
  }

  // --- time

  void end_clause() {
    joined_ = false;
    pending_direction_ = Direction::kNone;
    wants_object_ = 0;
    relation_.reset();
    hit_told_ = false;
  }
  void new_moment(double moment) {
    end_clause();
    moment_ = moment;
    untold_ = may_turn_ = false;
  }
  void order(bool after) {
    if (told_in_sentence_) {
      new_moment(moment_ + (after ? -1 : 1));
    } else {
      after_comma_ = after ? 1 : -1;
    }
  }

  std::vector<Word> words_;
  Understood result_;
  std::vector<Clause> clauses_;  // times count moments
  std::vector<bool> coloured_;   // actors whose colour was said

  std::optional<Colour> colour_;
  std::optional<Size> size_;
  std::optional<Pattern> pattern_;
  std::size_t number_ = 0;
  bool known_one_ = false, new_one_ = false;

  Things subjects_;
  std::size_t last_ = kNobody, before_last_ = kNobody;  // things spoken of
  bool joined_ = false;                                 // the next thing does what the subjects do
  bool follows_ = false;                                // the next thing is whom the camera follows
  std::size_t wants_object_ = 0;                        // so many clauses at the end wait for their object
  std::optional<Meaning> relation_;                     // between the subject and the next thing
  std::size_t struck_ = kNobody;                        // by the next thing
  bool hit_told_ = false;
  std::optional<Act> waiting_act_;
  Direction pending_direction_ = Direction::kNone;

  double moment_ = 0.0;
  double after_comma_ = 0.0;
  bool told_in_sentence_ = false;
  bool untold_ = false;    // nothing was told yet of the subjects
  bool may_turn_ = false;  // a direction is that of what was told last
};

// What the world's stories always tell before something happens, and what happens when nothing is said of it.
class Completion {
 public:
  explicit Completion(const Scenario& scenario) : scenario_(scenario) {}

  Scenario complete(bool moves) {
    std::vector<Clause> told;
    std::swap(told, scenario_.story.clauses);
    if (!moves) told.clear();
    for (const Clause& clause : told) add(clause);
    if (moves) let_all_do_something();
    space_out();
    return scenario_;
  }

 private:
  std::vector<Clause>& clauses() { return scenario_.story.clauses; }

  bool does(std::size_t subject, Act act) {
    return std::any_of(clauses().begin(), clauses().end(),
                       [&](const Clause& c) { return c.subject == subject && c.act == act; });
  }
  // Just before what is told at `time`.
  void first(std::size_t subject, Act act, double time) {
    if (does(subject, act)) return;
    add({act, subject, kNobody, Direction::kNone, time - 0.5});
  }

  void add(Clause clause) {
    const std::size_t subject = clause.subject;
    switch (clause.act) {
      case Act::kHit:
        if (clause.object == kNobody || clause.object == subject) return;
        if (!does(subject, Act::kDescend) && !does(subject, Act::kFly)) first(subject, Act::kTravel, clause.time);
        break;
      case Act::kLandOn:
        if (clause.object == kNobody || clause.object == subject) return;
        first(subject, Act::kFall, clause.time);
        break;
      case Act::kDrop:
      case Act::kHide:
      case Act::kTopple:
        first(subject, Act::kTravel, clause.time);
        break;
      case Act::kEmerge:
        first(subject, Act::kHide, clause.time);
        break;
      case Act::kStop:
        if (clauses().empty()) first(subject, Act::kTravel, clause.time);
        break;
      case Act::kLaunch:
        let_something_fall(subject, clause.time);
        break;
      default:
        break;
    }
    const bool needs_direction = clause.act == Act::kTravel || clause.act == Act::kFly || clause.act == Act::kDescend;
    if (needs_direction && clause.direction == Direction::kNone) clause.direction = Direction::kRight;
    clauses().push_back(clause);
  }

  // Onto the other end of a see-saw.
  void let_something_fall(std::size_t launched, double time) {
    for (std::size_t i = 0; i < scenario_.actors.size(); ++i) {
      if (i != launched && does(i, Act::kFall)) return;
    }
    std::size_t other = launched == 0 ? 1 : 0;
    if (scenario_.actors.size() == 1) {
      Actor actor = scenario_.actors[0];
      actor.thing.colour = actor.thing.colour == Colour::kBlue ? Colour::kRed : Colour::kBlue;
      actor.thing.size = Size::kBig;
      actor.thing.pattern = Pattern::kPlain;
      scenario_.actors.push_back(actor);
      other = 1;
    }
    first(other, Act::kFall, time);
  }

  void let_all_do_something() {
    const Story& story = scenario_.story;
    const bool still = story.clauses.empty();
    for (std::size_t i = 0; i < scenario_.actors.size(); ++i) {
      const bool told = std::any_of(story.clauses.begin(), story.clauses.end(),
                                    [&](const Clause& c) { return c.subject == i || c.object == i; });
      const bool related = std::any_of(story.relations.begin(), story.relations.end(),
                                       [&](const Relation& r) { return r.subject == i || r.object == i; });
      if (told || (related && still)) continue;
      clauses().push_back({still ? Act::kBounce : Act::kStay, i});
    }
  }

  // From the order of moments to times that are told as moments.
  void space_out() {
    std::stable_sort(clauses().begin(), clauses().end(),
                     [](const Clause& a, const Clause& b) { return a.time < b.time; });
    double before = 0.0;
    double time = 0.0;
    for (Clause& clause : clauses()) {
      if (&clause != &clauses().front() && clause.time > before) time += 2 * kTogether;
      before = clause.time;
      clause.time = time;
    }
  }

  Scenario scenario_;
};

Language script_of(std::string_view prompt) {
  const bool chinese =
      std::any_of(prompt.begin(), prompt.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xE3; });
  if (!chinese) return Language::kEnglish;
  const std::string text(prompt);
  return simplified(text) != text ? Language::kTraditional : Language::kSimplified;
}

// How much a caption says of what is not the plainest.
int weight(const Said& said, const Scenario& scenario) {
  int weight = said.ground ? 2 : 0;
  weight += said.sky ? 2 : 0;
  weight += said.camera || scenario.camera.kind == Camera::kStill ? 2 : 0;
  for (std::size_t i = 0; i < scenario.actors.size(); ++i) {
    const Thing& thing = scenario.actors[i].thing;
    weight += said.size[i] == (thing.size != Size::kMedium) ? 2 : 0;
    weight += said.pattern[i] == (thing.pattern != Pattern::kPlain) ? 2 : 0;
  }
  for (const bool relation : said.relations) weight += relation ? 2 : 0;
  weight += said.gravity == (scenario.setting.gravity == Gravity::kMoon) ? 1 : 0;
  return weight;
}

}  // namespace

std::optional<std::string> expand(const Understood& understood, std::string_view prompt, bool moves) {
  if (understood.scenario.actors.empty()) return std::nullopt;
  const Scenario scenario = Completion(understood.scenario).complete(moves);
  std::string best;
  int most = -1;
  constexpr std::uint64_t kVariants = 128;
  for (std::uint64_t variant = 0; variant < kVariants; ++variant) {
    Said said;
    std::string text = caption(scenario, script_of(prompt), variant, said);
    const int says = weight(said, scenario);
    if (says < most || (says == most && text.size() >= best.size())) continue;
    most = says;
    best = std::move(text);
  }
  return best;
}

Understood understand(std::string_view prompt) { return Reader(prompt).read(); }

}  // namespace starling::train::world
