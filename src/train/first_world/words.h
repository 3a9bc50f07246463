#pragma once

#include <span>
#include <string_view>

#include "generate/attributes.h"
#include "train/world/names.h"

namespace starling::train {

// The vocabulary of captions.

struct EnglishVerb {
  std::string_view finite;      // "bounces"
  std::string_view participle;  // "bouncing"
  std::string_view bare;        // "bounce"
  std::string_view rest;        // "up and down", or nothing
};

namespace english {
std::span<const EnglishVerb> verbs(generate::Motion motion);
Phrases noun(generate::Shape shape);
Phrases direction(generate::Direction direction);
Phrases preposition(generate::Motion motion);  // before the ground
Phrases ground(generate::Ground ground);
Phrases sky(generate::Sky sky);
Phrases camera(generate::Camera camera);
// Words of the grammar that say nothing about the scene.
Phrases filler();
}  // namespace english

namespace chinese {
Phrases verb(generate::Motion motion);
Phrases noun(generate::Shape shape);
Phrases direction(generate::Direction direction);
Phrases ground(generate::Ground ground);
Phrases sky(generate::Sky sky);
Phrases camera(generate::Camera camera);
Phrases filler();
}  // namespace chinese

}  // namespace starling::train
