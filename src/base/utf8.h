#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace starling::base {

// The offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
// surrogates, nothing above U+10FFFF), or nothing when all is well formed.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);
bool valid_utf8(std::string_view text);
// Code points in text. Precondition: valid_utf8(text).
std::size_t count_code_points(std::string_view text);
// The longest prefix of at most limit bytes that does not cut a code point. Precondition: valid_utf8(text).
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

}  // namespace starling::base
