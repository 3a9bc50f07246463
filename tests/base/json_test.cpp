#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace starling::base {
namespace {

Result<Json> parse(std::string_view text, const JsonLimits& limits = {}) { return Json::parse(text, "test", limits); }

TEST(Json, ReadsEveryKind) {
  const Result<Json> json =
      parse(R"({"b": [1, -2, 2.5, "x", null, true], "a": {"k": 18446744073709551615}, "z": 1e3})");
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_EQ(json->to_text(), R"({"a":{"k":18446744073709551615},"b":[1,-2,2.5,"x",null,true],"z":1000.0})");
  EXPECT_EQ(*(*json->object("a"))->u64("k"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ((*json->array("b"))->elements().size(), 6U);
  EXPECT_EQ(*json->number("z"), 1000.0);
  EXPECT_EQ(*(*json->array("b"))->elements()[0].as_number(), 1.0);
  EXPECT_EQ(json->to_text(1).substr(0, 14), "{\n \"a\": {\n  \"k");
}

TEST(Json, RejectsWhatIsNotJson) {
  for (const char* text :
       {"",    " ",        "{",     "[1,]",  "{\"a\":}", "{\"a\" 1}",    "{a:1}",       "nul",
        "01",  "1 2",      "[1] x", "'a'",   "\"\t\"",   "\"\\x\"",      "// c\n1",     "[1 /* c */]",
        "NaN", "Infinity", "-",     "1e999", "\"\xff\"", "\"\xc0\x80\"", "\"\\ud800\"", "+1"}) {
    const Result<Json> json = parse(text);
    EXPECT_FALSE(json.ok()) << text;
    EXPECT_TRUE(json.ok() || json.error().message.starts_with("test ")) << json.error().message;
  }
}

TEST(Json, RejectsDuplicateKeys) {
  EXPECT_FALSE(parse(R"({"a":1,"b":2,"a":1})").ok());
  EXPECT_FALSE(parse(R"([{"x":{"a":1,"\u0061":2}}])").ok());
  EXPECT_TRUE(parse(R"([{"a":1},{"a":1}])").ok());
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse(nested(64)).ok());
  EXPECT_FALSE(parse(nested(65)).ok());
  EXPECT_FALSE(parse(std::string(1'000'000, '[')).ok());
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  EXPECT_FALSE(parse(objects).ok());
}

TEST(Json, SizeAndCountAreBounded) {
  EXPECT_EQ(parse("[1,2]", {.bytes = 4}).error().code, ErrorCode::kLimit);
  EXPECT_TRUE(parse("[1,2]", {.bytes = 5}).ok());
  EXPECT_FALSE(parse("[1,2,3]", {.values = 3}).ok());
  EXPECT_TRUE(parse("[1,2,3]", {.values = 4}).ok());
}

TEST(Json, AccessorsCheckKindAndRange) {
  const Json json = *parse(R"({"n":5,"f":1.5,"t":"x","z":null,"b":true,"m":-1})");
  EXPECT_EQ(*json.integer("n"), 5);
  EXPECT_EQ(*json.integer("n", 5, 5), 5);
  EXPECT_FALSE(json.integer("n", 6, 9).ok());
  EXPECT_FALSE(json.integer("f").ok());
  EXPECT_FALSE(json.integer("t").ok());
  EXPECT_FALSE(json.u64("m").ok());
  EXPECT_EQ(*json.text("t"), "x");
  EXPECT_TRUE(*json.boolean("b"));
  EXPECT_FALSE(json.boolean("n").ok());
  EXPECT_TRUE(json.has("n"));
  EXPECT_FALSE(json.has("z"));
  EXPECT_FALSE(json.has("q"));
  EXPECT_NE(json.find("z"), nullptr);
  EXPECT_EQ(json.text("q").error().message, "the field \"q\" is missing");
  EXPECT_EQ(json.text("n").error().message, "the field \"n\" should be a text but is an integer");
  EXPECT_FALSE(Json(3).text("n").ok());
  EXPECT_FALSE(json.array("n").ok());
}

TEST(Json, WritesCanonically) {
  Json json = Json::empty_object();
  json.set("b", 1).set("a", Json::empty_array().push("x").push(std::int64_t{-7})).set("b", 2U);
  json.set("\xc3\xa9", "tab\t quote\" back\\ bell\x07 \xe4\xbd\xa0");
  const std::string expected =
      "{\"a\":[\"x\",-7],\"b\":2,\"\xc3\xa9\":\"tab\\t quote\\\" back\\\\ bell\\u0007 \xe4\xbd\xa0\"}";
  EXPECT_EQ(*json.canonical(), expected);
  EXPECT_EQ(*parse(expected)->canonical(), expected);
  EXPECT_FALSE(Json::empty_array().push(1.5).canonical().ok());
  EXPECT_FALSE(Json("\xff").canonical().ok());
  EXPECT_EQ(Json("a\xff z").to_text(), "\"a\xef\xbf\xbd z\"");
}

TEST(Json, DoublesReadBackTheSame) {
  for (const double value : {0.1, 1e-6, 1.0, -0.0, 3.141592653589793, 5e-324, 1.7976931348623157e308}) {
    const Result<Json> back = parse(Json(value).to_text());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->kind(), Json::Kind::kNumber) << value;
    EXPECT_EQ(*back->as_number(), value);
  }
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).to_text(), "null");
}

// Whatever bytes are cut or changed, parsing ends with a value or an error.
TEST(Json, SurvivesDamage) {
  const std::string text =
      R"({"key":[1,2.5e-3,{"deep":["\u4f60\ud83d\ude00",null,false]}],"n":-123456789012345678901})";
  ASSERT_TRUE(parse(text).ok());
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(parse(text.substr(0, i)).ok());
    for (const char c : {'\0', '"', '[', '}', '\\', '9', '\xff'}) {
      std::string changed = text;
      changed[i] = c;
      const Result<Json> json = parse(changed);
      EXPECT_TRUE(!json.ok() || parse(json->to_text()).ok()) << changed;
    }
  }
}

}  // namespace
}  // namespace starling::base
