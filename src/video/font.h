#pragma once

#include <cstdint>
#include <string_view>

#include "video/frames.h"

namespace starling::video {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

// A letter's cell in pixels at scale 1: the letter is 5 wide and 8 high, its baseline under the seventh row.
inline constexpr int kLetterWidth = 6;
inline constexpr int kLetterHeight = 9;

// How many letters a UTF-8 text has; a byte that is no UTF-8 counts as one.
int letter_count(std::string_view text);
inline int text_width(std::string_view text, int scale) { return letter_count(text) * kLetterWidth * scale; }

// Draws a line of text with its cell's upper left corner at (x, y), cut off at the picture's edges. Letters outside
// printable ASCII are drawn as a hollow box. Precondition: scale ≥ 1.
void draw_text(Picture& picture, int x, int y, std::string_view text, Colour colour, int scale = 1);

// The same, turned left by a quarter: it reads upwards from (x, y), its cell's lower left corner.
void draw_text_upwards(Picture& picture, int x, int y, std::string_view text, Colour colour, int scale = 1);

}  // namespace starling::video
