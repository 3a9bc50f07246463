#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/world/scenario.h"

namespace starling::train::world {

// What a person's words ask of the world. Of the scenario only what captions tell is filled in: things and how they
// look, the story in its order of time, relations, place, light and camera; not where things are.
struct Understood {
  Scenario scenario;
  // In order, each once, as written: what is not of this world.
  std::vector<std::string> unknown;
};

// Reads English, and Chinese in either script. What is not said stays the plainest. Whatever captions say is read back,
// but for how rarely a thing is spoken of without its colour among others of its shape.
Understood understand(std::string_view prompt);

// The same told as captions tell it, with what a story needs and was not said (who rolls rolls to one side; who hits
// something gets there first): what a model that was trained on captions understands best. In the script of the prompt.
// A clip of `moves` = false shows nothing happen. Nothing if the prompt speaks of no thing of this world.
std::optional<std::string> expand(const Understood& understood, std::string_view prompt, bool moves);

}  // namespace starling::train::world
