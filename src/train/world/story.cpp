#include "train/world/story.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/world/acting.h"

namespace starling::train::world {

namespace {

using Time = std::optional<double>;

// Looks for the moments at which the claims of a story begin to be true.
class Witness {
 public:
  Witness(const Scenario& scenario, const Course& course, const ClipTruth& truth)
      : scenario_(scenario), course_(course), truth_(truth), seconds_(truth.frames.back().time) {
    // What a viewer of a short clip can be expected to see.
    enough_ = std::clamp(0.8 * seconds_ - 0.2, 0.3, 1.0);
  }

  Time begins(const Clause& clause) const {
    switch (clause.act) {
      case Act::kStay:
        return stays(clause.subject);
      case Act::kFall:
        return falls(clause.subject);
      case Act::kBounce:
        return bounces(clause);
      case Act::kTravel:
        return travels(clause);
      case Act::kFly:
        return flies(clause);
      case Act::kSwing:
        return swings(clause.subject);
      case Act::kDescend:
        return descends(clause);
      case Act::kDrop:
        return drops(clause.subject);
      case Act::kHit:
      case Act::kLandOn:
        return touches(clause.subject, clause.object);
      case Act::kHide:
        return event(EventKind::kHidden, clause.subject, 0.2);
      case Act::kEmerge:
        return event(EventKind::kRevealed, clause.subject, 0.1);
      case Act::kLaunch:
        return launched(clause.subject);
      case Act::kTopple:
        return topples(clause.subject);
      case Act::kStop:
        return stops(clause.subject);
    }
    return std::nullopt;
  }

 private:
  static double time(std::size_t step) { return static_cast<double>(step) / kStepsPerSecond; }
  std::size_t first_step(std::size_t actor) const {
    return std::min(static_cast<std::size_t>(std::ceil(scenario_.actors[actor].enters * kStepsPerSecond)), last());
  }
  std::size_t last() const { return course_.steps() - 1; }
  const Pose& at(std::size_t step, std::size_t body) const { return course_.at(step, body); }

  // The first step from `from` on at which something is so.
  template <typename Claim>
  std::optional<std::size_t> first(std::size_t from, const Claim& claim) const {
    for (std::size_t step = from; step <= last(); ++step) {
      if (claim(step)) return step;
    }
    return std::nullopt;
  }

  Time stays(std::size_t a) const {
    const Pose& start = at(0, a);
    const auto moved = first(0, [&](std::size_t step) {
      const Pose& p = at(step, a);
      return std::hypot(p.x - start.x, p.y - start.y) > 0.15 || std::fabs(p.angle - start.angle) > 0.12;
    });
    return moved ? Time() : Time(0.0);
  }

  Time falls(std::size_t a) const {
    const auto begins = first(first_step(a), [&](std::size_t step) { return at(step, a).velocity_y < -0.1; });
    if (!begins) return std::nullopt;
    double lowest = at(*begins, a).y;
    for (std::size_t step = *begins; step <= last(); ++step) lowest = std::min(lowest, at(step, a).y);
    if (at(*begins, a).y - lowest < enough_ || !seen_for(a, time(*begins), 0.25 * enough_)) return std::nullopt;
    return time(*begins);
  }

  // In view for a while after a time.
  bool seen_for(std::size_t a, double from, double seconds) const {
    std::size_t frames = 0;
    for (const FrameTruth& frame : truth_.frames) {
      if (frame.time >= from && frame.things[a].inside > 0.9) ++frames;
    }
    return static_cast<double>(frames) * seconds_ >= seconds * static_cast<double>(truth_.frames.size() - 1);
  }

  Time bounces(const Clause& clause) const {
    const std::size_t a = clause.subject;
    double low = at(0, a).y;
    double rise = 0;
    for (std::size_t step = 0; step <= last(); ++step) {
      low = std::min(low, at(step, a).y);
      rise = std::max(rise, at(step, a).y - low);
    }
    if (rise < 0.6 * enough_ || !touches(a, kGroundBody)) return std::nullopt;
    const double way = at(last(), a).x - at(0, a).x;
    if (clause.direction == Direction::kNone) return std::fabs(way) < 0.5 ? Time(0.0) : Time();
    return way * sign_of(clause.direction) >= enough_ ? Time(0.0) : Time();
  }

  // Over the ground or whatever it stands on: it goes on its way without leaving it.
  Time travels(const Clause& clause) const {
    const std::size_t a = clause.subject;
    const double sign = sign_of(clause.direction);
    const auto begins = first(first_step(a), [&](std::size_t step) { return at(step, a).velocity_x * sign > 0.4; });
    if (!begins) return std::nullopt;
    const double way = (at(last(), a).x - at(*begins, a).x) * sign;
    if (way < enough_) return std::nullopt;
    const Thing& thing = scenario_.actors[a].thing;
    const auto ends = first(*begins, [&](std::size_t step) {
      return std::fabs(at(step, a).velocity_y) > 0.8 || (at(step, a).x - at(*begins, a).x) * sign > 0.7 * way;
    });
    const double turned = (at(*begins, a).angle - at(*ends, a).angle) * sign;
    const double went = (at(*ends, a).x - at(*begins, a).x) * sign;
    if (went < 0.5 * enough_) return std::nullopt;
    if (thing.shape == Shape::kBall) return turned * 0.5 * thing.diameter > 0.5 * went ? time(*begins) : Time();
    return std::fabs(turned) < 0.2 ? time(*begins) : Time();
  }

  Time flies(const Clause& clause) const {
    const std::size_t a = clause.subject;
    const double way = (at(last(), a).x - at(0, a).x) * sign_of(clause.direction);
    double highest = at(0, a).y;
    for (std::size_t step = 0; step <= last(); ++step) highest = std::max(highest, at(step, a).y);
    return way >= enough_ && highest - at(0, a).y >= 0.3 * enough_ ? Time(0.0) : Time();
  }

  Time swings(std::size_t a) const {
    double least = at(0, a).x;
    double most = least;
    for (std::size_t step = 0; step <= last(); ++step) {
      least = std::min(least, at(step, a).x);
      most = std::max(most, at(step, a).x);
    }
    return most - least >= enough_ ? Time(0.0) : Time();
  }

  Time descends(const Clause& clause) const {
    const std::size_t a = clause.subject;
    const double way = (at(last(), a).x - at(0, a).x) * sign_of(clause.direction);
    const double down = at(0, a).y - at(last(), a).y;
    const double turned = std::fabs(at(last(), a).angle - at(0, a).angle);
    const bool rolls = scenario_.actors[a].thing.shape == Shape::kBall;
    return way >= enough_ && down >= 1.2 && (rolls ? turned > 1.0 : turned < 0.9) ? Time(0.0) : Time();
  }

  // Off the ledge: its middle is past the edge and it sinks.
  Time drops(std::size_t a) const {
    const double start = at(0, a).y;
    const auto sinks = first(0, [&](std::size_t step) { return at(step, a).y < start - 0.2; });
    if (!sinks || start - at(last(), a).y < 1.2) return std::nullopt;
    return time(*sinks);
  }

  Time touches(std::size_t a, std::size_t b) const {
    for (const Touch& touch : course_.touches) {
      if (touch.first == std::min(a, b) && touch.second == std::max(a, b) && touch.speed >= kTouchSpeed &&
          touch.time < seconds_ - 0.1) {
        return touch.time;
      }
    }
    return std::nullopt;
  }

  Time event(EventKind kind, std::size_t a, double before_end) const {
    for (const Event& event : truth_.events) {
      if (event.kind == kind && event.first == a && event.time <= seconds_ - before_end) return event.time;
    }
    return std::nullopt;
  }

  Time launched(std::size_t a) const {
    const auto up = first(0, [&](std::size_t step) { return at(step, a).velocity_y > 1.5; });
    if (!up) return std::nullopt;
    double highest = at(*up, a).y;
    for (std::size_t step = *up; step <= last(); ++step) highest = std::max(highest, at(step, a).y);
    return highest - at(*up, a).y > 0.9 ? time(*up) : Time();
  }

  Time topples(std::size_t a) const {
    const std::size_t actors = scenario_.actors.size();
    std::size_t down = 0;
    for (std::size_t i = actors; i < course_.bodies(); ++i) {
      if (std::fabs(at(last(), i).angle) > 0.6) ++down;
    }
    return down >= 2 ? touches(a, actors) : Time();
  }

  Time stops(std::size_t a) const {
    const auto moving = [&](std::size_t step) {
      const Pose& p = at(step, a);
      return std::hypot(p.velocity_x, p.velocity_y) > 0.12;
    };
    std::size_t step = last();
    if (moving(step)) return std::nullopt;
    while (step > 0 && !moving(step)) --step;
    return step > 0 && time(step) < seconds_ - 0.4 ? Time(time(step)) : Time();
  }

  const Scenario& scenario_;
  const Course& course_;
  const ClipTruth& truth_;
  double seconds_;
  double enough_;
};

// Whether every thing is in view from the first frame, or from when it has entered, to the end.
bool seen_as_it_should(const Scenario& scenario, const ClipTruth& truth) {
  constexpr double kWhole = 0.985;
  for (std::size_t a = 0; a < scenario.actors.size(); ++a) {
    const auto whole = [&](const FrameTruth& frame) { return frame.things[a].inside >= kWhole; };
    auto from = truth.frames.begin();
    if (!whole(*from)) {
      if (scenario.actors[a].enters <= 0.0 && from->things[a].inside > 0.4) return false;
      from = std::find_if(from, truth.frames.end(), whole);
      if (from == truth.frames.end()) return false;
    }
    if (!std::all_of(from, truth.frames.end(), whole)) return false;
  }
  return true;
}

// Whether two things meet of which the story does not say so.
bool something_untold(const Scenario& scenario, const ClipTruth& truth) {
  const auto told = [&](const Event& event) {
    return std::any_of(scenario.story.clauses.begin(), scenario.story.clauses.end(), [&](const Clause& clause) {
      return clause.object != kNobody && std::min(clause.subject, clause.object) == event.first &&
             std::max(clause.subject, clause.object) == event.second;
    });
  };
  return std::any_of(truth.events.begin(), truth.events.end(), [&](const Event& event) {
    return event.kind == EventKind::kTouch && event.second < scenario.actors.size() && !told(event);
  });
}

bool relation_holds(const Relation& relation, const Course& course) {
  const Pose& a = course.at(0, relation.subject);
  const Pose& b = course.at(0, relation.object);
  if (relation.kind == RelationKind::kLeftOf) return b.x - a.x > 1.5;
  return a.y - b.y > 1.0 && std::fabs(a.x - b.x) < 0.5;
}

}  // namespace

bool confirm(Scenario& scenario, const Course& course, const ClipTruth& truth) {
  if (!seen_as_it_should(scenario, truth) || something_untold(scenario, truth)) return false;
  const Witness witness(scenario, course, truth);
  std::vector<Clause> kept;
  for (Clause clause : scenario.story.clauses) {
    if (const Time begins = witness.begins(clause)) {
      clause.time = *begins;
      kept.push_back(clause);
    } else if (clause.needed) {
      return false;
    }
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Clause& a, const Clause& b) { return a.time < b.time; });
  scenario.story.clauses = std::move(kept);
  return std::all_of(scenario.story.relations.begin(), scenario.story.relations.end(),
                     [&](const Relation& relation) { return relation_holds(relation, course); });
}

}  // namespace starling::train::world
