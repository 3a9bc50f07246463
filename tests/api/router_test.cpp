#include "api/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace starling::api {
namespace {

Response say(std::string text) { return text_response(std::move(text), "text/plain"); }

Router example() {
  Router router;
  router.add(get_route("/", [](const Request&) { return say("root"); }));
  router.add(get_route("/v1/blocks/{height}", [](const Request& r) { return say("height " + r.parameter("height")); }));
  router.add(get_route("/v1/blocks/latest", [](const Request&) { return say("latest"); }));
  router.add(get_route("/v1/{kind}/latest", [](const Request& r) { return say("latest " + r.parameter("kind")); }));
  router.add(get_route("/v1/tasks/{task}/parts/{part}", [](const Request& r) {
    return say(r.parameter("task") + ":" + r.parameter("part") + ":" + std::to_string(r.query.size()));
  }));
  Route post;
  post.method = Method::kPost;
  post.pattern = "/v1/blocks/{height}";
  post.body_limit = 4;
  post.handler = [](const Request& r) { return say("posted " + r.body); };
  router.add(post);
  router.add(get_route("/throw", [](const Request&) -> Response { throw std::runtime_error("secret"); }));
  return router;
}

Response ask(const std::string& target, Method method = Method::kGet, std::string body = "") {
  static const Router router = example();
  Response answer;
  Request request;
  request.method = method;
  request.body = std::move(body);
  router.answer(std::move(request), target, Answer([&](Response response) { answer = std::move(response); }));
  return answer;
}

TEST(Router, PrefersLiteralsAndFillsParameters) {
  EXPECT_EQ(ask("/").body, "root");
  EXPECT_EQ(ask("/v1/blocks/17").body, "height 17");
  EXPECT_EQ(ask("/v1/blocks/latest").body, "latest");
  EXPECT_EQ(ask("/v1/models/latest").body, "latest models");
  EXPECT_EQ(ask("/v1/tasks/1/parts/2?proof=1&x").body, "1:2:2");
  EXPECT_EQ(ask("/v1/blocks/%31%37").body, "height 17");
  EXPECT_EQ(ask("/v1/blocks/a%20b%C3%BC").body, "height a b\xC3\xBC");
  EXPECT_EQ(ask("/v1/blocks/a+b").body, "height a+b");
}

TEST(Router, RefusesWhatFitsNothing) {
  for (const char* target : {"", "v1", "*", "http://host/", "//", "/v1", "/v1/", "/v1/blocks/", "/v1/blocks/1/",
                             "/v1//1", "/v1/blocks/..", "/v1/blocks/%2e%2e", "/v1/blocks/.", "/v1/blocks/a%2Fb",
                             "/v1/blocks/1/2", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"}) {
    EXPECT_EQ(ask(target).status, 404) << target;
  }
  for (const char* target : {"/v1/blocks/%", "/v1/blocks/%1", "/v1/blocks/%zz", "/v1/blocks/%00", "/v1/blocks/%0a",
                             "/v1/blocks/%c0%ae", "/v1/blocks/%ff", "/v1/blocks/%ED%A0%80"}) {
    EXPECT_EQ(ask(target).status, 400) << target;
  }
  EXPECT_EQ(ask("/v1/blocks/1?a=1&a=2").status, 400);
  EXPECT_EQ(ask("/v1/blocks/1?a=%").status, 400);
  std::string many = "/v1/blocks/1?";
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "&";
  EXPECT_EQ(ask(many).status, 400);
  const Response wrong_method = ask("/v1/blocks/1", Method::kPut);
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.at(0).second, "GET, POST");
  EXPECT_EQ(ask("/v1/blocks/1", Method::kPost, "1234").body, "posted 1234");
  EXPECT_EQ(ask("/v1/blocks/1", Method::kPost, "12345").status, 413);
}

TEST(Router, HidesWhatAHandlerThrows) {
  const Response response = ask("/throw");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

TEST(Router, AnswersOnceAndNeverForgets) {
  int answers = 0;
  int status = 0;
  const auto count = [&](Response response) {
    ++answers;
    status = response.status;
  };
  {
    const Answer answer(count);
    const Answer copy = answer;
    copy(say("one"));
    answer(say("two"));
  }
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(status, 200);
  { const Answer forgotten(count); }
  EXPECT_EQ(answers, 2);
  EXPECT_EQ(status, 500);
}

TEST(Router, ReadsNumbersStrictly) {
  Request request;
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "18446744073709551616", "99999999999999999999999"}) {
    request.parameters["n"] = text;
    request.query["n"] = text;
    EXPECT_FALSE(request.parameter_u64("n").ok()) << text;
    EXPECT_FALSE(request.query_u64("n", 0, ~std::uint64_t{0}).ok()) << text;
  }
  request.parameters["n"] = "18446744073709551615";
  EXPECT_EQ(*request.parameter_u64("n"), ~std::uint64_t{0});
  request.query["n"] = "11";
  EXPECT_FALSE(request.query_u64("n", 0, 10).ok());
  EXPECT_EQ(*request.query_u64("m", 7, 10), 7U);
}

struct RangeCase {
  const char* header;
  RangeKind kind;
  ByteRange range;
};

TEST(Range, EveryForm) {
  constexpr auto kWhole = RangeKind::kWhole;
  constexpr auto kPart = RangeKind::kPart;
  constexpr auto kNone = RangeKind::kUnsatisfiable;
  const RangeCase cases[] = {
      {"bytes=0-0", kPart, {0, 1}},
      {"bytes=0-", kPart, {0, 10}},
      {"bytes=3-5", kPart, {3, 3}},
      {"  bytes=3-5 ", kPart, {3, 3}},
      {"bytes=9-9", kPart, {9, 1}},
      {"bytes=9-100", kPart, {9, 1}},
      {"bytes=0-18446744073709551615", kPart, {0, 10}},
      {"bytes=-3", kPart, {7, 3}},
      {"bytes=-10", kPart, {0, 10}},
      {"bytes=-100", kPart, {0, 10}},
      {"bytes=-0", kNone, {}},
      {"bytes=10-", kNone, {}},
      {"bytes=99999999999999999999-", kNone, {}},
      {"bytes=3-99999999999999999999", kPart, {3, 7}},
      {"bytes=-99999999999999999999", kPart, {0, 10}},
      {"bytes=00000000000000000000000003-4", kPart, {3, 2}},
      {"bytes=99999999999999999999-5", kWhole, {}},
      {"bytes=10-20", kNone, {}},
      {"bytes=18446744073709551615-", kNone, {}},
      {"bytes=18446744073709551616-", kNone, {}},
      {"bytes=5-3", kWhole, {}},
      {"bytes=-", kWhole, {}},
      {"bytes=", kWhole, {}},
      {"bytes", kWhole, {}},
      {"", kWhole, {}},
      {"bytes=a-b", kWhole, {}},
      {"bytes=1-b", kWhole, {}},
      {"bytes=--3", kWhole, {}},
      {"bytes=1--3", kWhole, {}},
      {"bytes=+1-3", kWhole, {}},
      {"bytes=0-1,3-4", kWhole, {}},
      {"items=0-1", kWhole, {}},
      {"bytes:0-1", kWhole, {}},
  };
  for (const RangeCase& row : cases) {
    ByteRange range;
    EXPECT_EQ(parse_range(row.header, 10, range), row.kind) << row.header;
    if (row.kind == kPart) {
      EXPECT_EQ(range, row.range) << row.header;
    }
  }
  ByteRange range;
  EXPECT_EQ(parse_range("bytes=0-", 0, range), kNone);
  EXPECT_EQ(parse_range("bytes=-1", 0, range), kNone);
}

TEST(Percent, TwoDigitsAreAByte) {
  EXPECT_EQ(percent_decode("", true), "");
  for (const bool plus : {false, true}) {
    EXPECT_EQ(percent_decode("a%2Fb%3fc%3Dd%26e%2Bf%25~.-_", plus), "a/b?c=d&e+f%~.-_");
    EXPECT_EQ(percent_decode("%E2%82%aC", plus), "\xE2\x82\xAC");
  }
}

}  // namespace
}  // namespace starling::api
