#include "models/prompt.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/utf8.h"

namespace starling::models {
namespace {

constexpr std::size_t kMaxPromptBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxEntity = 10;  // "&#1114111;"

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNamedEntities{
    {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00A0"}, {"hellip", "\u2026"}}};

void append_utf8(std::string& text, std::uint32_t point) {
  const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80U | (point >> shift & 0x3FU)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0U | point >> 6U);
    tail(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0U | point >> 12U);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0U | point >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

// What the entity between & and ; stands for; false if it is none.
bool append_entity(std::string& text, std::string_view name) {
  if (name.starts_with('#')) {
    const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    std::uint32_t point = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), point, hexadecimal ? 16 : 10);
    const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (error != std::errc() || end != digits.data() + digits.size() || point == 0 || point > 0x10FFFF ||
        is_surrogate) {
      return false;
    }
    append_utf8(text, point);
    return true;
  }
  for (const auto& [entity, value] : kNamedEntities) {
    if (name == entity) {
      text += value;
      return true;
    }
  }
  return false;
}

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text[0] == '&' ? text.substr(0, kMaxEntity).find(';') : std::string_view::npos;
    if (end != std::string_view::npos && append_entity(out, text.substr(1, end - 1))) {
      text.remove_prefix(end + 1);
    } else {
      out += text[0];
      text.remove_prefix(1);
    }
  }
  return out;
}

// Bytes of the white space (Unicode's White_Space and the ASCII separators 1C to 1F) that text begins with, or 0.
std::size_t leading_space(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) return 1;
  if (first == 0xC2) return byte(1) == 0x85 || byte(1) == 0xA0 ? 2 : 0;
  const std::string_view three = text.substr(0, 3);
  if (three == "\u1680" || three == "\u2028" || three == "\u2029" || three == "\u202F" || three == "\u205F" ||
      three == "\u3000") {
    return 3;
  }
  return three >= "\u2000" && three <= "\u200A" ? 3 : 0;
}

std::string collapse_space(std::string_view text) {
  std::string out;
  bool pending = false;
  while (!text.empty()) {
    if (const std::size_t space = leading_space(text); space != 0) {
      pending = !out.empty();
      text.remove_prefix(space);
      continue;
    }
    if (std::exchange(pending, false)) out += ' ';
    out += text[0];
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

base::Result<std::string> clean_prompt(std::string_view prompt) {
  if (prompt.size() > kMaxPromptBytes) {
    return base::Error{base::ErrorCode::kLimit, "the prompt has " + std::to_string(prompt.size()) +
                                                    " bytes; shorten it to at most " + std::to_string(kMaxPromptBytes) +
                                                    "."};
  }
  if (const auto at = base::first_invalid_utf8(prompt)) {
    return base::invalid("the prompt is not UTF-8 (byte " + std::to_string(*at) + "); type or convert it as UTF-8.");
  }
  return collapse_space(unescape(unescape(prompt)));
}

}  // namespace starling::models
