#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/world/scenario.h"

namespace starling::train::world {

enum class Language : std::uint8_t { kEnglish, kSimplified, kTraditional };
inline constexpr std::size_t kLanguages = 3;

// Sentences that tell a scenario's story: every clause of it in its order of time, whatever the order of the words;
// each thing's colour and shape; a gravity that is not the earth's; mostly sizes, patterns, the ground and a camera
// that moves, often the sky. `variant` chooses among paraphrases and what is left out; the same on every machine.
// UTF-8, at most kLongestCaption bytes. Precondition: confirm() held.
std::string caption(const Scenario& scenario, Language language, std::uint64_t variant);

// What a caption says beside its story and the colours and shapes of things: by actor, by relation, and of the whole.
struct Said {
  std::vector<bool> size, pattern;
  std::vector<bool> relations;
  bool ground = false, sky = false, gravity = false, camera = false;
};
// The same caption, and what it says.
std::string caption(const Scenario& scenario, Language language, std::uint64_t variant, Said& said);
inline constexpr std::size_t kLongestCaption = 400;

// The same characters for readers of the other script. Precondition: a caption in simplified characters.
std::string traditional(const std::string& simplified);
// And back.
std::string simplified(const std::string& traditional);

}  // namespace starling::train::world
