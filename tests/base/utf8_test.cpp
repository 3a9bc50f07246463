#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>

namespace starling::base {
namespace {

std::string encode(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 63))};
  if (point < 0x10000) return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
          byte(0x80 | (point & 63))};
}

TEST(Utf8, EveryCodePoint) {
  for (std::uint32_t point = 0; point < 0x120000; ++point) {
    const bool scalar = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
    ASSERT_EQ(valid_utf8(encode(point)), scalar) << point;
  }
}

TEST(Utf8, ABadByteIsFoundWhereverItStands) {
  for (std::size_t length = 1; length < 40; ++length) {
    const std::string fine(length, 'a');
    EXPECT_EQ(first_invalid_utf8(fine), std::nullopt);
    for (std::size_t at = 0; at < length; ++at) {
      std::string bad = fine;
      bad[at] = '\xff';
      EXPECT_EQ(first_invalid_utf8(bad), at) << length;
    }
  }
}

// All strings of up to three bytes: valid exactly when they are encodings of code points one after the other.
TEST(Utf8, EveryShortString) {
  std::size_t valid = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      for (unsigned c = 0x70; c < 0x100; ++c) {
        valid += valid_utf8(std::string{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)}) ? 1 : 0;
      }
    }
  }
  // ASCII third byte (16 of them) after any valid two bytes: 128 * 128 + 1920. Third byte of 0x80-0xff: the end of a
  // two-byte sequence after ASCII (128 * 1920) or of a three-byte one (0xf800 - 2048 surrogates).
  EXPECT_EQ(valid, 16U * (128 * 128 + 1920) + 128U * 1920 + (0xf800 - 0x800));
}

TEST(Utf8, SaysWhere) {
  EXPECT_EQ(first_invalid_utf8("abc\xff"), 3U);
  EXPECT_EQ(first_invalid_utf8("\xe4\xbd\xa0\xe4\xbd"), 3U);
  EXPECT_EQ(first_invalid_utf8("fine"), std::nullopt);
}

TEST(Utf8, CountsAndCuts) {
  const std::string text = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80";
  EXPECT_EQ(count_code_points(text), 4U);
  EXPECT_EQ(count_code_points(""), 0U);
  for (std::size_t limit = 0; limit <= text.size() + 1; ++limit) {
    const std::string_view prefix = utf8_prefix(text, limit);
    EXPECT_LE(prefix.size(), limit);
    EXPECT_GT(prefix.size() + 4, std::min(limit, text.size()));
    EXPECT_TRUE(valid_utf8(prefix));
  }
}

}  // namespace
}  // namespace starling::base
