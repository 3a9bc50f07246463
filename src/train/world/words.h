#pragma once

#include "train/world/names.h"
#include "train/world/phrases.h"
#include "train/world/scenario.h"

namespace starling::train::world {

// The vocabulary of captions. Chinese is kept in simplified characters; traditional() has the others.

namespace english {

using train::english::colour;
using train::english::size;

struct Noun {
  std::string_view one, many;
};
std::span<const Noun> nouns(Shape shape);

struct Verb {
  std::string_view one;   // "rolls"
  std::string_view many;  // "roll"
  std::string_view ing;   // "rolling"
  std::string_view rest;  // "down a ramp", or nothing
};
std::span<const Verb> verbs(Act act, Shape shape);

Phrases pattern(Pattern pattern);
Phrases direction(Direction direction);
Phrases ground(Ground ground);     // after "on"
Phrases sky(Sky sky);              // "at night"
Phrases gravity(Gravity gravity);  // "on the moon"
Phrases camera(Camera camera);     // "the camera follows", whom follows

}  // namespace english

namespace chinese {

using train::chinese::colour;
using train::chinese::size;

Phrases nouns(Shape shape);
Phrases verbs(Act act, Shape shape);  // what a direction precedes
Phrases pattern(Pattern pattern);
Phrases direction(Direction direction);
Phrases ground(Ground ground);  // before 上
Phrases sky(Sky sky);
Phrases gravity(Gravity gravity);
Phrases camera(Camera camera);  // whom 跟随 is for follows

}  // namespace chinese

}  // namespace starling::train::world
