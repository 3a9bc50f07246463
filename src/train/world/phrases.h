#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "train/world/random.h"

namespace starling::train {

// Ways to say one thing. The first is the plain one and is chosen most often.
using Phrases = std::span<const std::string_view>;

// Half the time the first, else any.
template <typename T>
const T& choose(std::span<const T> list, Random& random) {
  return random.chance(0.5) ? list[0] : list[random.below(static_cast<std::uint32_t>(list.size()))];
}

// Appends a word after a space, unless there is no word or nothing before it.
inline void add(std::string& sentence, std::string_view word) {
  if (word.empty()) return;
  if (!sentence.empty()) sentence += ' ';
  sentence += word;
}

// The parts of a sentence in order. Parts are drawn at random, so they go through an initialiser list: unlike the
// operands of +, its elements are evaluated from left to right by every compiler.
inline std::string join(std::initializer_list<std::string> parts) {
  std::string whole;
  for (const auto& part : parts) whole += part;
  return whole;
}

}  // namespace starling::train
