#include <algorithm>
#include <map>

#include "train/first_world/caption.h"
#include "train/first_world/words.h"

namespace starling::train {

using generate::Camera;
using generate::Direction;
using generate::Motion;
using generate::PartialAttributes;

namespace {

constexpr std::size_t kLongestText = 4096;

// The phrases of the captions' tables and what each sets.
using Lexicon = std::map<std::string, PartialAttributes, std::less<>>;

// Which ends of a phrase mean the same as the whole: "blue sky" of "under a blue sky".
enum class Ends { kNone, kTwoWords, kWithoutArticle };

template <typename E, typename Field>
void add_all(Lexicon& lexicon, Phrases (*phrases)(E), std::size_t count, Field field, Ends ends = Ends::kNone) {
  for (std::size_t i = 0; i < count; ++i) {
    for (const auto phrase : phrases(static_cast<E>(i))) {
      PartialAttributes meaning;
      meaning.*field = static_cast<E>(i);
      lexicon.emplace(phrase, meaning);
      if (ends == Ends::kNone) continue;
      for (std::size_t cut = phrase.find(' '); cut != std::string_view::npos; cut = phrase.find(' ', cut + 1)) {
        const auto end = phrase.substr(cut + 1);
        if (end.find(' ') == std::string_view::npos) break;
        lexicon.emplace(end, meaning);
        if (ends == Ends::kWithoutArticle) break;
      }
    }
  }
}

Lexicon english_lexicon() {
  Lexicon lexicon;
  add_all(lexicon, english::colour, generate::kColours, &PartialAttributes::colour);
  add_all(lexicon, english::noun, generate::kShapes, &PartialAttributes::shape);
  add_all(lexicon, english::size, generate::kSizes, &PartialAttributes::size);
  add_all(lexicon, english::direction, generate::kDirections, &PartialAttributes::direction, Ends::kTwoWords);
  add_all(lexicon, english::ground, generate::kGrounds, &PartialAttributes::ground, Ends::kTwoWords);
  add_all(lexicon, english::sky, generate::kSkies, &PartialAttributes::sky, Ends::kTwoWords);
  add_all(lexicon, english::camera, generate::kCameras, &PartialAttributes::camera, Ends::kWithoutArticle);
  for (std::size_t i = 0; i < generate::kMotions; ++i) {
    PartialAttributes meaning;
    meaning.motion = static_cast<Motion>(i);
    for (const auto& verb : english::verbs(static_cast<Motion>(i))) {
      for (const auto form : {verb.finite, verb.participle, verb.bare}) {
        std::string phrase(form);
        if (!verb.rest.empty()) phrase.append(" ").append(verb.rest);
        lexicon.emplace(phrase, meaning);
      }
    }
  }
  for (const auto word : english::filler()) lexicon.emplace(word, PartialAttributes{});
  return lexicon;
}

Lexicon chinese_lexicon() {
  Lexicon lexicon;
  add_all(lexicon, chinese::colour, generate::kColours, &PartialAttributes::colour);
  add_all(lexicon, chinese::noun, generate::kShapes, &PartialAttributes::shape);
  add_all(lexicon, chinese::size, generate::kSizes, &PartialAttributes::size);
  add_all(lexicon, chinese::direction, generate::kDirections, &PartialAttributes::direction);
  add_all(lexicon, chinese::ground, generate::kGrounds, &PartialAttributes::ground);
  add_all(lexicon, chinese::sky, generate::kSkies, &PartialAttributes::sky);
  add_all(lexicon, chinese::camera, generate::kCameras, &PartialAttributes::camera);
  add_all(lexicon, chinese::verb, generate::kMotions, &PartialAttributes::motion);
  for (const auto word : chinese::filler()) lexicon.emplace(word, PartialAttributes{});
  return lexicon;
}

// The single words of the phrases: known, even where the whole phrase is not there.
std::map<std::string, bool, std::less<>> english_words(const Lexicon& lexicon) {
  std::map<std::string, bool, std::less<>> words;
  for (const auto& [phrase, meaning] : lexicon) {
    std::size_t start = 0;
    while (start <= phrase.size()) {
      const std::size_t end = std::min(phrase.find(' ', start), phrase.size());
      words.emplace(phrase.substr(start, end - start), true);
      start = end + 1;
    }
  }
  return words;
}

template <typename T>
void merge(std::optional<T>& into, const std::optional<T>& from) {
  if (!into && from) into = from;
}

// The first mention of anything counts.
void merge(PartialAttributes& into, const PartialAttributes& from) {
  merge(into.colour, from.colour);
  merge(into.shape, from.shape);
  merge(into.size, from.size);
  merge(into.motion, from.motion);
  merge(into.direction, from.direction);
  merge(into.ground, from.ground);
  merge(into.sky, from.sky);
  merge(into.camera, from.camera);
}

struct Token {
  std::string text;   // lower-case ASCII word, or one character beyond ASCII, or one ASCII mark
  bool word = false;  // letters, digits, hyphens
  bool ascii = false;
};

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '\'';
}

// The length of the UTF-8 character at text[at], or 0 if there is none.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0U) != 0x80U) return 0;
  }
  return length;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (is_word_byte(text[at])) {
      Token token{{}, true, true};
      for (; at < text.size() && is_word_byte(text[at]); ++at) {
        const char c = text[at];
        token.text += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      }
      tokens.push_back(std::move(token));
      continue;
    }
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      if (static_cast<unsigned char>(text[at]) > ' ') tokens.push_back({std::string(1, text[at]), false, true});
      ++at;
      continue;
    }
    const std::size_t length = character_length(text, at);
    tokens.push_back({length == 0 ? "?" : std::string(text.substr(at, length)), false, false});
    at += std::max<std::size_t>(length, 1);
  }
  return tokens;
}

bool speaks_of_camera(const std::string& text) { return text == "camera" || text == "panning" || text == "pans"; }

bool ends_clause(const Token& token) {
  static constexpr std::string_view kEnds[] = {",", ".", ";", "，", "。", "；", "、", "while", "as", "and"};
  return std::find(std::begin(kEnds), std::end(kEnds), token.text) != std::end(kEnds);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  ParsedCaption parse() {
    for (std::size_t at = 0; at < tokens_.size();) {
      if (ends_clause(tokens_[at])) camera_clause_ = false;
      if (speaks_of_camera(tokens_[at].text)) camera_clause_ = true;
      const std::size_t taken = longest(at);
      if (taken > 0) {
        flush_unknown();
        at += taken;
        continue;
      }
      single(tokens_[at]);
      ++at;
    }
    flush_unknown();
    return std::move(parsed_);
  }

 private:
  // Applies the longest phrase that starts here; how many tokens it took, or 0.
  std::size_t longest(std::size_t at) {
    static const Lexicon english = english_lexicon();
    static const Lexicon chinese = chinese_lexicon();
    const bool ascii = tokens_[at].ascii;
    const Lexicon& lexicon = ascii ? english : chinese;
    std::string phrase;
    const PartialAttributes* found = nullptr;
    std::size_t taken = 0;
    constexpr std::size_t kLongestPhrase = 7;
    for (std::size_t i = at; i < tokens_.size() && i < at + kLongestPhrase && tokens_[i].ascii == ascii; ++i) {
      if (ascii && i > at) phrase += ' ';
      phrase += tokens_[i].text;
      if (const auto entry = lexicon.find(phrase); entry != lexicon.end()) {
        found = &entry->second;
        taken = i - at + 1;
      }
    }
    if (found != nullptr) apply(*found, phrase_starts_with_camera(at));
    return taken;
  }

  bool phrase_starts_with_camera(std::size_t at) const {
    return tokens_[at].text == "镜" && at + 1 < tokens_.size() && tokens_[at + 1].text == "头";
  }

  // A direction in a clause about the camera is the camera's.
  void apply(PartialAttributes meaning, bool camera) {
    camera_clause_ = camera_clause_ || camera;
    if (camera_clause_ && meaning.direction && *meaning.direction != Direction::kNone) {
      meaning.camera = *meaning.direction == Direction::kLeft ? Camera::kPanLeft : Camera::kPanRight;
      meaning.direction.reset();
    }
    merge(parsed_.attributes, meaning);
  }

  void single(const Token& token) {
    static const auto words = english_words(english_lexicon());
    if (!token.word && token.ascii) {
      flush_unknown();
      return;
    }
    if (token.ascii) {
      if (!words.contains(token.text)) add_unknown(token.text);
      return;
    }
    static constexpr std::string_view kMarks[] = {"，", "。", "；", "、", "！", "？",
                                                  "：", "“",  "”",  "（", "）", "\u3000"};
    if (std::find(std::begin(kMarks), std::end(kMarks), token.text) != std::end(kMarks)) {
      flush_unknown();
    } else {
      unknown_run_ += token.text;
    }
  }

  void add_unknown(const std::string& word) {
    auto& unknown = parsed_.unknown_words;
    if (std::find(unknown.begin(), unknown.end(), word) == unknown.end()) unknown.push_back(word);
  }

  void flush_unknown() {
    if (!unknown_run_.empty()) add_unknown(unknown_run_);
    unknown_run_.clear();
  }

  std::vector<Token> tokens_;
  ParsedCaption parsed_;
  std::string unknown_run_;  // characters beyond ASCII that no phrase has
  bool camera_clause_ = false;
};

}  // namespace

ParsedCaption parse_caption(std::string_view text) {
  std::size_t end = std::min(text.size(), kLongestText);
  // Not in the middle of a character.
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return Parser(text.substr(0, end)).parse();
}

}  // namespace starling::train
