#include <algorithm>
#include <cstddef>

#include "base/utf8.h"
#include "models/tokenizer.h"

namespace starling::models {
namespace {

constexpr std::size_t kMaxKnownWords = 1'000'000;

// Bytes of the code point that valid UTF-8 begins with.
std::size_t point_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return std::min(bytes, text.size());
}

bool is_ascii_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Letters of alphabets (Latin with marks, Greek, Cyrillic, ...), which lie in two bytes of UTF-8 from U+00C0.
bool is_letter(std::string_view point) {
  return point.size() == 2 && static_cast<unsigned char>(point[0]) >= 0xC3 && point != "\u00D7" && point != "\u00F7";
}

// Punctuation and symbols of three bytes: general punctuation to arrows and shapes, CJK punctuation, full-width forms.
bool is_symbol(std::string_view point) {
  return (point >= "\u2000" && point <= "\u2BFF") || (point >= "\u3000" && point <= "\u303F") ||
         (point >= "\uFF00" && point <= "\uFFEF");
}

template <typename Visit>
void for_each_word(std::string_view text, const Visit& visit) {
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) visit(word);
    word.clear();
  };
  while (!text.empty()) {
    const std::string_view point = text.substr(0, point_bytes(text));
    text.remove_prefix(point.size());
    if (point.size() == 1 && is_ascii_word(point[0])) {
      const char c = point[0];
      word += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else if (is_letter(point)) {
      word += point;
    } else {
      flush();
      if (point.size() >= 3 && !is_symbol(point)) visit(std::string(point));
    }
  }
  flush();
}

}  // namespace

void KnownWords::add(std::string_view text) {
  for_each_word(text, [&](const std::string& word) { words_.insert(word); });
}

base::Result<KnownWords> KnownWords::parse(std::string_view file) {
  if (!base::valid_utf8(file)) return base::corrupt("known_words.txt is not UTF-8; fetch it again.");
  KnownWords known;
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    if (end != 0) known.words_.emplace(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
    if (known.words_.size() > kMaxKnownWords) return base::corrupt("known_words.txt has too many lines.");
  }
  return known;
}

std::string KnownWords::to_text() const {
  std::string text;
  for (const std::string& word : words_) text += word + "\n";
  return text;
}

std::vector<std::string> KnownWords::missing(std::string_view text) const {
  std::vector<std::string> missing;
  for_each_word(text, [&](const std::string& word) {
    if (!words_.contains(word) && std::ranges::find(missing, word) == missing.end()) missing.push_back(word);
  });
  return missing;
}

}  // namespace starling::models
