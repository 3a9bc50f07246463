#pragma once

#include <vector>

#include "train/world/caption.h"
#include "train/world/random.h"
#include "train/world/scenario.h"

namespace starling::train::world {

// What captions in every language have in common: what is said, and together with what.

// Subjects that do the same at the same time.
struct Saying {
  Act act = Act::kStay;
  std::vector<std::size_t> subjects;  // those that look alike are neighbours
  std::size_t object = kNobody;
  Direction direction = Direction::kNone;
};

// What begins at about the same time.
using Moment = std::vector<Saying>;

struct Telling {
  std::vector<Moment> moments;  // in the order of time
  std::vector<Relation> relations;
  std::vector<std::size_t> silent;  // actors of whom no moment or relation tells
};

Telling tell_story(const Scenario& scenario);

// Which of the things that may be left out are mentioned; of no relation yet.
Said draw_mentions(const Scenario& scenario, bool tersely, Random& random);

// Neighbours in `subjects` that look the same in every way: how many from `first` on.
std::size_t count_alike(const Scenario& scenario, const std::vector<std::size_t>& subjects, std::size_t first);

}  // namespace starling::train::world
