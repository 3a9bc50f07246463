#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generate/attributes.h"

namespace starling::train {

enum class Language : std::uint8_t { kEnglish, kChinese };

// A sentence that says what a scene shows: always its colour, shape, motion and direction, mostly its size (medium is
// mostly left unsaid) and ground, a camera that moves, often the sky. `variant` chooses among paraphrases and what is
// left out; the same on every machine. UTF-8, at most 256 bytes.
std::string caption(const generate::Attributes& attributes, Language language, std::uint64_t variant);

// Captions of n scenes that may be trained on, two in three of them English, to train a tokenizer from.
std::vector<std::string> caption_corpus(std::size_t n, std::uint64_t seed);

// What a caption or a prompt says, in either language.
struct ParsedCaption {
  generate::PartialAttributes attributes;
  // In order, each once, as written: what is in no caption, so what a model trained on captions never learnt.
  std::vector<std::string> unknown_words;
};

// Reads at most the first 4096 bytes; bytes that are not UTF-8 count as unknown words, shown as "?".
ParsedCaption parse_caption(std::string_view text);

}  // namespace starling::train
