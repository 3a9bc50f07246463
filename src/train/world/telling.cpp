#include "train/world/telling.h"

#include <algorithm>

namespace starling::train::world {

namespace {

bool alike(const Thing& a, const Thing& b) { return a.looks_like(b) && a.size == b.size && a.pattern == b.pattern; }

bool rests_in_a_tower(const Story& story, const Clause& clause) {
  return clause.act == Act::kStay &&
         std::any_of(story.relations.begin(), story.relations.end(), [&](const Relation& r) {
           return r.kind == RelationKind::kOnTopOf && (r.subject == clause.subject || r.object == clause.subject);
         });
}

bool joins(const Saying& saying, const Clause& clause) {
  return saying.act == clause.act && saying.direction == clause.direction && saying.object == kNobody &&
         clause.object == kNobody;
}

void add_clause(Moment& moment, const Clause& clause) {
  const auto same = std::find_if(moment.begin(), moment.end(), [&](const Saying& s) { return joins(s, clause); });
  if (same != moment.end()) {
    same->subjects.push_back(clause.subject);
  } else {
    moment.push_back({clause.act, {clause.subject}, clause.object, clause.direction});
  }
}

// Puts those that look alike beside each other.
void order_subjects(const Scenario& scenario, std::vector<std::size_t>& subjects) {
  std::sort(subjects.begin(), subjects.end());
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const Thing& thing = scenario.actors[subjects[i]].thing;
    std::stable_partition(subjects.begin() + static_cast<std::ptrdiff_t>(i), subjects.end(),
                          [&](std::size_t s) { return alike(scenario.actors[s].thing, thing); });
  }
}

}  // namespace

Telling tell_story(const Scenario& scenario) {
  Telling telling;
  telling.relations = scenario.story.relations;
  double began = 0.0;
  for (const Clause& clause : scenario.story.clauses) {
    if (rests_in_a_tower(scenario.story, clause)) continue;
    if (telling.moments.empty() || clause.time - began >= kTogether) {
      telling.moments.emplace_back();
      began = clause.time;
    }
    add_clause(telling.moments.back(), clause);
  }
  std::vector<bool> told(scenario.actors.size(), false);
  for (Moment& moment : telling.moments) {
    for (Saying& saying : moment) {
      order_subjects(scenario, saying.subjects);
      for (const std::size_t subject : saying.subjects) told[subject] = true;
      if (saying.object < told.size()) told[saying.object] = true;
    }
  }
  for (const Relation& relation : telling.relations) told[relation.subject] = told[relation.object] = true;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (!told[i]) telling.silent.push_back(i);
  }
  order_subjects(scenario, telling.silent);
  return telling;
}

Said draw_mentions(const Scenario& scenario, bool tersely, Random& random) {
  Said said;
  const double less = tersely ? 0.3 : 1.0;
  for (const Actor& actor : scenario.actors) {
    const double sized = actor.thing.size == Size::kMedium ? 0.1 : scenario.actors.size() > 2 ? 0.5 : 0.8;
    said.size.push_back(random.chance(less * sized));
    said.pattern.push_back(random.chance(actor.thing.pattern == Pattern::kPlain ? 0.03 : less * 0.9));
  }
  // What looks the same is told alike.
  for (std::size_t i = 0; i < said.size.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!alike(scenario.actors[i].thing, scenario.actors[j].thing)) continue;
      said.size[i] = said.size[j];
      said.pattern[i] = said.pattern[j];
    }
  }
  said.ground = random.chance(less * 0.8);
  said.sky = random.chance(less * (scenario.setting.sky == Sky::kNight ? 0.8 : 0.5));
  said.gravity = random.chance(scenario.setting.gravity == Gravity::kMoon ? 1.0 : 0.05);
  const bool still = scenario.camera.kind == Camera::kStill;
  said.camera = random.chance(!still ? 0.95 : scenario.story.clauses.empty() ? 0.0 : 0.2);
  return said;
}

std::size_t count_alike(const Scenario& scenario, const std::vector<std::size_t>& subjects, std::size_t first) {
  std::size_t end = first + 1;
  while (end < subjects.size() && alike(scenario.actors[subjects[first]].thing, scenario.actors[subjects[end]].thing)) {
    ++end;
  }
  return end - first;
}

}  // namespace starling::train::world
