#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace starling::base {
namespace {

TEST(Bytes, HexRoundTripsEveryByte) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  const std::string text = to_hex(all);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  EXPECT_EQ(text.substr(504), "fcfdfeff");
  const Result<Bytes> back = from_hex(text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, all);
}

TEST(Bytes, HexAcceptsPrefixAndCapitals) {
  const Result<Bytes> bytes = from_hex("0xAbCd");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(*bytes, (Bytes{0xab, 0xcd}));
  ASSERT_TRUE(from_hex("").ok());
  EXPECT_TRUE(from_hex("0x")->empty());
}

TEST(Bytes, HexRejectsAnythingElse) {
  for (const char* text : {"a", "0x1", "zz", "0g", " 00", "00 ", "0x0x00", "-1"}) {
    EXPECT_FALSE(from_hex(text).ok()) << text;
  }
  EXPECT_FALSE(from_hex(std::string_view("00\0", 3)).ok());
}

TEST(Result, CarriesValueOrError) {
  const Result<int> value = 7;
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  const Result<int> error = limit_error("too many");
  EXPECT_FALSE(error.ok());
  EXPECT_STREQ(error_code_name(error.error().code), "LIMIT");
  EXPECT_STREQ(error_code_name(ErrorCode::kNonFinite), "NON_FINITE");
}

Status fails() { return corrupt("broken"); }
Result<int> tries() {
  STARLING_TRY(fails());
  return 1;
}
Result<int> half(int value) {
  if (value % 2 != 0) return invalid("odd");
  return value / 2;
}
Result<int> quarter(int value) {
  STARLING_ASSIGN(const int once, half(value));
  STARLING_ASSIGN(const int twice, half(once));
  return twice;
}

TEST(Result, MacrosReturnTheError) {
  EXPECT_EQ(tries().error().message, "broken");
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace starling::base
