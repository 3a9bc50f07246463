#include "train/evaluation/judge.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/evaluation/drift.h"
#include "train/evaluation/physics.h"
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
    judge_laws();
    return counts_;
  }

  Amounts amounts(const Cast& cast) {
    best_ = cast;
    Amounts amounts;
    const auto add = [&](Quantity quantity, double value) {
      amounts[static_cast<std::size_t>(quantity)].push_back(value);
    };
    for (std::size_t a = 0; a < best_.size(); ++a) {
      if (best_[a] == kNobody) continue;
      if (const auto fall = fall_of(a)) {
        add(Quantity::kGravityError, std::fabs(fall->gravity - gravity()) / gravity());
        add(Quantity::kFallResidual, fall->residual);
      }
      if (const auto ends = ends_of(track(best_[a]))) {
        const Drift drift = drift_between(ends->first, ends->last);
        add(Quantity::kSizeDrift, drift.size);
        add(Quantity::kColourDrift, drift.colour);
      }
    }
    if (reading_.flicker) add(Quantity::kFlicker, *reading_.flicker);
    return amounts;
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

  double gravity() const { return world::metres_per_second_squared(promise_.scenario.setting.gravity); }

  // How an actor falls that is said to; nothing if that cannot be told well enough.
  std::optional<Fall> fall_of(std::size_t actor) const {
    constexpr double kPrecision = 0.06;
    const auto& clauses = promise_.scenario.story.clauses;
    const bool falls = std::any_of(clauses.begin(), clauses.end(), [&](const Clause& clause) {
      return clause.subject == actor &&
             (clause.act == Act::kFall || clause.act == Act::kBounce || clause.act == Act::kFly);
    });
    if (!falls || best_[actor] == kNobody) return std::nullopt;
    return fitted_fall(track(best_[actor]), gravity(), kPrecision);
  }

  void judge_laws() {
    constexpr double kGravityError = 0.1;
    constexpr double kDeepest = 0.35;  // metres
    for (std::size_t a = 0; a < best_.size(); ++a) {
      if (const auto fall = fall_of(a)) {
        count(Measure::kGravity).add(std::fabs(fall->gravity - gravity()) <= kGravityError * gravity());
      }
    }
    for (std::size_t i = 0; i < reading_.tracks.things.size(); ++i) {
      if (pushed(i)) continue;
      if (const auto loses = loses_energy(track(i), gravity())) count(Measure::kEnergy).add(*loses);
    }
    if (!reading_.tracks.things.empty()) count(Measure::kSolidity).add(deepest_overlap(reading_.tracks) <= kDeepest);
    for (const Deed& deed : reading_.deeds) {
      if (deed.act != Act::kHit) continue;
      const auto kept = momentum_kept(track(deed.subject), track(deed.object), deed.time);
      // Rolling and friction take and give some.
      constexpr double kLeast = 0.6;
      constexpr double kMost = 1.3;
      if (kept) count(Measure::kMomentum).add(*kept >= kLeast && *kept <= kMost);
    }
    for (const Clause& clause : promise_.scenario.story.clauses) {
      if (clause.act == Act::kEmerge) count(Measure::kIdentity).add(same_after_hiding(clause));
    }
  }

  bool pushed(std::size_t number) const {
    return std::any_of(reading_.deeds.begin(), reading_.deeds.end(), [&](const Deed& deed) {
      return (deed.act == Act::kHit && (deed.object == number || deed.subject == number)) ||
             (deed.act == Act::kLaunch && deed.subject == number) ||
             (deed.act == Act::kLandOn && (deed.object == number || deed.subject == number));
    });
  }

  // The shape, diameter and colour of a part of a track.
  struct Look {
    std::size_t shape = 0;
    double diameter = 0;
    world::Colour colour = world::Colour::kRed;
    bool known = false;
  };
  Look look(const Track& found, double from, double to) const {
    Look look;
    std::array<double, world::kShapes> overlaps{};
    std::array<double, generate::kColours> areas{};
    for (const Sighting& s : found.sightings) {
      if (s.time < from || s.time > to) continue;
      areas[static_cast<std::size_t>(s.colour)] += s.area;
      if (!s.fitted) continue;
      look.known = true;
      for (std::size_t i = 0; i < world::kShapes; ++i) overlaps[i] += s.overlaps[i];
    }
    look.shape = static_cast<std::size_t>(std::max_element(overlaps.begin(), overlaps.end()) - overlaps.begin());
    look.colour = static_cast<world::Colour>(std::max_element(areas.begin(), areas.end()) - areas.begin());
    std::vector<double> diameters;
    for (const Sighting& s : found.sightings) {
      if (s.time >= from && s.time <= to && s.fitted) diameters.push_back(s.diameters[look.shape]);
    }
    std::sort(diameters.begin(), diameters.end());
    if (!diameters.empty()) look.diameter = diameters[diameters.size() / 2];
    return look;
  }

  bool same_after_hiding(const Clause& clause) const {
    const Deed* back = done(clause);
    if (back == nullptr) return false;
    const Track& found = track(best_[clause.subject]);
    const double middle = back->time - 1e-6;
    const Look before = look(found, 0, middle);
    const Look after = look(found, middle, 1e9);
    constexpr double kSameSize = 0.12;
    return before.known && after.known && before.shape == after.shape && before.colour == after.colour &&
           std::fabs(before.diameter - after.diameter) <= kSameSize * before.diameter;
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

Amounts measure(const Reading& reading, const Promise& promise) {
  Judge judge(reading, promise);
  return judge.amounts(judge.cast());
}

Counts judge(const Reading& reading, const Promise& promise) {
  Judge judge(reading, promise);
  return judge.counts(judge.cast());
}

}  // namespace starling::train::evaluation
