#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "train/world/scenario.h"

namespace starling::train::world {

// Reading: the words of captions, and others that people use for the same, with what they mean.

enum class Meaning : std::uint8_t {
  kColour,  // the values of these are those of the enumerations
  kSize,
  kPattern,
  kShape,
  kAct,
  kDirection,
  kGround,
  kSky,
  kGravity,
  kCamera,
  kNumber,   // two to four
  kOnTopOf,  // relations of the thing before to the thing behind; value 1: stands behind both
  kUnder,
  kLeftOf,
  kRightOf,
  kHitBy,    // it is hit by the thing behind
  kCollide,  // they hit each other
  kIt,       // who was spoken of last
  kThen,     // what follows comes later; earlier; the clause after the comma comes later or earlier
  kEarlier,
  kAfter,
  kBefore,
  kComma,
  kStop,  // the end of a sentence
  kAnd,
  kNothing,  // a word that says nothing of the picture
  kUnknown,
};

// A stretch of a text.
struct Word {
  Meaning meaning = Meaning::kUnknown;
  std::size_t value = 0;
  bool known_one = false;  // "the", 那: speaks of something that was there before
  bool new_one = false;    // "a", 一个
  std::string text;        // as it stands there; of words that are unknown
};

// The longest stretches that have a meaning, from left to right; any other word or character is one that is unknown.
// English, and Chinese in either script. Reads at most the first 4,096 bytes.
std::vector<Word> read_words(std::string_view text);

}  // namespace starling::train::world
