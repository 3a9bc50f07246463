#include "train/evaluation/judge.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/world/telling.h"

namespace starling::train::evaluation {

namespace {

using world::Clause;
using world::kNobody;

constexpr std::size_t kMostTracks = 8;

// What a thing does of its own accord; the other acts are events. Dominoes are not looked for.
bool is_motion(Act act) {
  switch (act) {
    case Act::kStay:
    case Act::kFall:
    case Act::kBounce:
    case Act::kTravel:
    case Act::kFly:
    case Act::kSwing:
    case Act::kDescend:
    case Act::kDrop:
    case Act::kLaunch:
      return true;
    case Act::kHit:
    case Act::kHide:
    case Act::kEmerge:
    case Act::kTopple:
    case Act::kLandOn:
    case Act::kStop:
      break;
  }
  return false;
}

using Cast = std::vector<std::size_t>;

class Judge {
 public:
  Judge(const Reading& reading, const Promise& promise) : reading_(reading), promise_(promise) {}

  Cast cast() {
    chosen_.assign(promise_.scenario.actors.size(), kNobody);
    best_ = chosen_;
    most_ = -1;
    taken_.assign(std::min(kMostTracks, reading_.tracks.things.size()), false);
    try_casts(0, 0.0);
    return best_;
  }

  Counts counts(const Cast& cast) {
    best_ = cast;
    judge_things();
    judge_story();
    judge_relations();
    judge_place();
    return counts_;
  }

 private:
  Count& count(Measure measure) { return counts_[static_cast<std::size_t>(measure)]; }
  const Track& track(std::size_t number) const { return reading_.tracks.things[number]; }
  const world::Thing& thing(std::size_t actor) const { return promise_.scenario.actors[actor].thing; }

  // Nothing is ever given for nobody, so every actor that there is a track for gets one.
  void try_casts(std::size_t actor, double so_far) {
    if (actor == chosen_.size()) {
      if (so_far > most_) {
        most_ = so_far;
        best_ = chosen_;
      }
      return;
    }
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) continue;
      taken_[i] = true;
      chosen_[actor] = i;
      try_casts(actor + 1, so_far + likeness(actor, i));
      taken_[i] = false;
    }
    chosen_[actor] = kNobody;
    if (chosen_.size() > taken_.size()) try_casts(actor + 1, so_far);
  }

  double likeness(std::size_t actor, std::size_t number) const {
    const Track& candidate = track(number);
    double sum = 0.01;
    if (candidate.colour == thing(actor).colour) sum += 4;
    if (candidate.shape == thing(actor).shape) sum += 2;
    if (promise_.said.size[actor] && candidate.size == thing(actor).size) sum += 0.5;
    for (const Clause& clause : promise_.scenario.story.clauses) {
      if (clause.subject == actor && is_motion(clause.act) && done_by(clause, number, kNobody)) sum += 0.75;
    }
    // Longer seen is more likely meant.
    const auto frames = static_cast<double>(reading_.surroundings.shape.frames);
    return sum + 0.2 * static_cast<double>(candidate.sightings.size()) / frames;
  }

  // The deed of a track that is a clause's; with an object, only what is done to it.
  const Deed* done_by(const Clause& clause, std::size_t subject, std::size_t object) const {
    for (const Deed& deed : reading_.deeds) {
      if (deed.act != clause.act || deed.subject != subject) continue;
      if (clause.object != kNobody && object != kNobody && deed.object != object) continue;
      return &deed;
    }
    return nullptr;
  }
  const Deed* done(const Clause& clause) const {
    const std::size_t subject = best_[clause.subject];
    if (subject == kNobody) return nullptr;
    if (clause.object == kNobody) return done_by(clause, subject, kNobody);
    const std::size_t object = best_[clause.object];
    if (object == kNobody) return nullptr;
    return done_by(clause, subject, object);
  }

  void judge_things() {
    for (std::size_t a = 0; a < best_.size(); ++a) {
      const Track* found = best_[a] == kNobody ? nullptr : &track(best_[a]);
      count(Measure::kColour).add(found != nullptr && found->colour == thing(a).colour);
      count(Measure::kShape).add(found != nullptr && found->shape == thing(a).shape);
      if (promise_.said.size[a]) count(Measure::kSize).add(found != nullptr && found->size == thing(a).size);
    }
    count(Measure::kCount).add(reading_.tracks.things.size() == best_.size());
  }

  Direction way_of(std::size_t actor) const {
    if (best_[actor] == kNobody) return Direction::kNone;
    const Track& found = track(best_[actor]);
    const double way = found.last().x - found.first().x;
    constexpr double kLeast = 0.3;
    if (std::fabs(way) < kLeast) return Direction::kNone;
    return way < 0 ? Direction::kLeft : Direction::kRight;
  }

  void judge_story() {
    bool in_order = true;
    bool dominoes = false;
    for (const Clause& clause : promise_.scenario.story.clauses) {
      if (clause.act == Act::kTopple) {
        dominoes = true;
        continue;
      }
      const Deed* deed = done(clause);
      count(is_motion(clause.act) ? Measure::kMotion : Measure::kEvent).add(deed != nullptr);
      in_order = in_order && deed != nullptr;
      if (clause.direction == Direction::kNone) continue;
      const Direction found = deed != nullptr ? deed->direction : way_of(clause.subject);
      count(Measure::kDirection).add(found == clause.direction);
    }
    const std::vector<world::Moment> moments = world::tell_story(promise_.scenario).moments;
    if (moments.size() < 2 || dominoes) return;
    double before = -1;
    for (const world::Moment& moment : moments) {
      double earliest = 1e9;
      for (const world::Saying& saying : moment) {
        for (const std::size_t subject : saying.subjects) {
          const Deed* deed = done({saying.act, subject, saying.object, saying.direction});
          if (deed != nullptr) earliest = std::min(earliest, deed->time);
        }
      }
      in_order = in_order && earliest >= before;
      before = earliest;
    }
    count(Measure::kOrder).add(in_order);
  }

  void judge_relations() {
    const auto& relations = promise_.scenario.story.relations;
    for (std::size_t i = 0; i < relations.size(); ++i) {
      if (!promise_.said.relations[i]) continue;
      count(Measure::kRelation).add(holds(relations[i]));
    }
  }

  bool holds(const world::Relation& relation) const {
    if (best_[relation.subject] == kNobody || best_[relation.object] == kNobody) return false;
    const Track& a = track(best_[relation.subject]);
    const Track& b = track(best_[relation.object]);
    if (relation.kind == world::RelationKind::kLeftOf) return b.first().x - a.first().x > 1.0;
    return a.first().y - b.first().y > 0.8 && std::fabs(a.first().x - b.first().x) < 1.0;
  }

  void judge_place() {
    const world::Setting& setting = promise_.scenario.setting;
    const Surroundings& found = reading_.surroundings;
    if (promise_.said.camera) count(Measure::kCamera).add(reading_.camera == promise_.scenario.camera.kind);
    if (promise_.said.ground) {
      count(Measure::kGround).add(found.ground_known && found.setting.ground == setting.ground);
    }
    if (promise_.said.sky) count(Measure::kSky).add(found.sky_known && found.setting.sky == setting.sky);
  }

  const Reading& reading_;
  const Promise& promise_;
  Cast chosen_, best_;
  std::vector<bool> taken_;
  double most_ = -1;
  Counts counts_{};
};

}  // namespace

std::vector<std::size_t> cast_tracks(const Reading& reading, const Promise& promise) {
  return Judge(reading, promise).cast();
}

Counts judge(const Reading& reading, const Promise& promise) {
  Judge judge(reading, promise);
  return judge.counts(judge.cast());
}

}  // namespace starling::train::evaluation
