// POST /v1/images/generations.
#include <cstring>
#include <thread>

#include "api/server.h"
#include "raw_client.h"
#include "videos_fixture.h"

namespace starling::api::videos {
namespace {

class VideoPictures : public Videos {};

TEST_F(VideoPictures, PicturesAreTheFramesOfVideos) {
  const auto generate = [&](const std::string& body) { return ask(Method::kPost, "/v1/images/generations", body); };
  const Response two = generate(R"({"prompt":"x","n":2})");
  ASSERT_EQ(two.status, 200) << two.body;
  const base::Json json = json_of(two);
  EXPECT_EQ(*(*json.array("data"))->elements()[1].text("b64_json"), "MDEyMzQ1Njc4OXRodW1ibmFpbC5wbmc=");
  EXPECT_EQ(queue_->size(), 0U);
  EXPECT_EQ(generate(R"({"prompt":"x","response_format":"url"})").status, 200);
  EXPECT_EQ(queue_->size(), 1U);
  EXPECT_EQ(generate(R"({"prompt":"x","n":9})").status, 400);
  EXPECT_EQ(generate(R"({"prompt":"x","seconds":2})").status, 400);
  EXPECT_EQ(generate(R"({"prompt":"x","response_format":"jpeg"})").status, 400);
}

TEST_F(VideoPictures, WhatOpenAiNamesIsTakenWhereItHolds) {
  const auto generate = [&](const std::string& rest) {
    return ask(Method::kPost, "/v1/images/generations", R"({"prompt":"x",)" + rest + "}");
  };
  for (const char* const rest :
       {R"("model":"gpt-image-1","size":"auto","quality":"high","background":"opaque","moderation":"low")",
        R"("model":"dall-e-3","style":"vivid","quality":"hd","user":"someone","stream":false,"partial_images":0)",
        R"("output_format":"png","output_compression":100,"quality":null)"}) {
    const Response made = generate(rest);
    EXPECT_EQ(made.status, 200) << rest << made.body;
  }
  for (const char* const rest : {R"("model":"gpt-5")", R"("background":"transparent")", R"("output_format":"webp")",
                                 R"("output_compression":50)", R"("stream":true)", R"("partial_images":2)",
                                 R"("quality":"best")", R"("quality":["hd"])"}) {
    const Response refused = generate(rest);
    EXPECT_EQ(refused.status, 400) << rest;
    EXPECT_EQ(*json_of(refused).find("error")->text("param"), std::string(rest + 1, std::strchr(rest + 1, '"')))
        << refused.body;
  }
}

TEST_F(VideoPictures, PicturesAreFoundWhereTheServerIs) {
  const auto url_of = [&](const Gateway& gateway, const std::string& host) {
    Router router;
    router.add(image_route(gateway));
    Request request;
    request.method = Method::kPost;
    request.headers = {{"host", host}, {"content-type", "application/json"}};
    request.body = R"({"prompt":"x","response_format":"url"})";
    std::string url;
    router.answer(request, "/v1/images/generations",
                  Answer([&](Response given) { url = *(*json_of(given).array("data"))->elements()[0].text("url"); }));
    return url.substr(0, url.find("/v1/"));
  };
  EXPECT_EQ(url_of(gateway_, "127.0.0.1:7"), "http://127.0.0.1:7");
  Gateway tls = gateway_;
  tls.scheme = "https";
  EXPECT_EQ(url_of(tls, "here.example:8443"), "https://here.example:8443");
  tls.public_url = "https://videos.example.org/gateway";
  EXPECT_EQ(url_of(tls, "127.0.0.1:7"), "https://videos.example.org/gateway");
}

TEST_F(VideoPictures, PicturesAskedForTwiceUnderOneNameAreTheSame) {
  const auto generate = [&](const std::string& body, const std::string& name) {
    return ask(Method::kPost, "/v1/images/generations", body, "application/json", {{"idempotency-key", name}});
  };
  const auto urls = [](const Response& response) {
    const base::Json json = json_of(response);
    const auto& pictures = (*json.array("data"))->elements();
    return *pictures[0].text("url") + " " + *pictures[1].text("url");
  };
  const std::string body = R"({"prompt":"x","n":2,"response_format":"url"})";
  const Response first = generate(body, "a");
  ASSERT_EQ(first.status, 200) << first.body;
  const Response again = generate(body, "a");
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(urls(again), urls(first));
  EXPECT_EQ(queue_->size(), 2U);
  const Response other = generate(body, "b");
  EXPECT_NE(urls(other), urls(first));
  EXPECT_EQ(queue_->size(), 4U);
  const Response different = generate(R"({"prompt":"y","n":2,"response_format":"url"})", "a");
  EXPECT_EQ(different.status, 400);
  EXPECT_EQ(code_of(different), "idempotency_key_in_use");
  EXPECT_EQ(queue_->size(), 4U);
  // Those that come in the answer are kept too, for whoever asks again.
  ASSERT_EQ(generate(R"({"prompt":"x"})", "c").status, 200);
  EXPECT_EQ(queue_->size(), 5U);
  ASSERT_EQ(generate(R"({"prompt":"x"})", "c").status, 200);
  EXPECT_EQ(queue_->size(), 5U);
  // A video of that name is another thing.
  EXPECT_EQ(
      ask(Method::kPost, "/v1/videos", R"({"prompt":"x"})", "application/json", {{"idempotency-key", "a"}}).status,
      200);
  EXPECT_EQ(generate(body, std::string(256, 'x')).status, 400);
}

// A client that asks for a picture, and waits.
RawClient wait_for_picture(const Server& server, const std::string& more) {
  const std::string body = R"({"prompt":"hold"})";
  RawClient client(server.port());
  client.send("POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + more +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  return client;
}

TEST_F(VideoPictures, PicturesThatNobodyWaitsForAreNotMade) {
  ServerOptions options;
  options.workers = 1;
  auto server = Server::start(router_, options);
  ASSERT_TRUE(server.ok());
  const auto until_there_are = [&](std::size_t count) {
    for (int i = 0; i < 5000 && queue_->size() != count; ++i) std::this_thread::sleep_for(milliseconds(1));
    return queue_->size() == count;
  };
  // Whether the one worker does something else.
  const auto works = [&] {
    RawClient client((*server)->port());
    client.send("DELETE /v1/videos/video_none HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return status_of(client.receive_some()) == 404;
  };
  std::optional<RawClient> client(wait_for_picture(**server, ""));
  ASSERT_TRUE(until_there_are(1));
  client.reset();
  EXPECT_TRUE(works());
  EXPECT_EQ(queue_->size(), 0U);
  // What has a name may be asked for again.
  client.emplace(wait_for_picture(**server, "Idempotency-Key: a\r\n"));
  ASSERT_TRUE(until_there_are(1));
  client.reset();
  EXPECT_TRUE(works());
  EXPECT_EQ(queue_->size(), 1U);
}

TEST_F(VideoPictures, OneKeyDoesNotWaitForAllPictures) {
  const auto first = keys_->create({}, 1);
  const auto second = keys_->create({}, 1);
  ASSERT_TRUE(first.ok() && second.ok());
  auto server = Server::start(router_, {});
  ASSERT_TRUE(server.ok());
  const auto as = [](const jobs::ApiKeys::Created& key) { return "Authorization: Bearer " + key.secret + "\r\n"; };
  std::vector<RawClient> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(wait_for_picture(**server, as(*first)));
  for (int i = 0; i < 5000 && queue_->size() != 4; ++i) std::this_thread::sleep_for(milliseconds(1));
  const std::string refused = wait_for_picture(**server, as(*first)).receive_until("}}\n");
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("or of yours"), std::string::npos) << refused;
  waiting.push_back(wait_for_picture(**server, as(*second)));
  for (int i = 0; i < 5000 && queue_->size() != 5; ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(queue_->size(), 5U);
  waiting.clear();
  for (int i = 0; i < 5000 && queue_->size() != 0; ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(queue_->size(), 0U);
}

TEST_F(VideoPictures, PicturesThatTheBudgetDoesNotCoverAreNotAskedForAgain) {
  Gateway network = gateway_;
  network.rules.network = true;
  std::uint64_t price = 0;
  network.quote = [&](const jobs::NewVideo&) {
    jobs::VideoQuote quote;
    quote.price = price;
    return quote;
  };
  Router router;
  router.add(image_route(network));
  const auto poor = keys_->create({"", {}, 50, 0, ""}, 1);
  ASSERT_TRUE(poor.ok());
  const auto generate = [&](const std::string& prompt, int count) {
    Request request;
    request.method = Method::kPost;
    request.headers = {{"authorization", "Bearer " + poor->secret}, {"content-type", "application/json"}};
    request.body = R"({"prompt":")" + prompt + R"(","response_format":"url","n":)" + std::to_string(count) + "}";
    Response response;
    router.answer(request, "/v1/images/generations", Answer([&](Response given) { response = std::move(given); }));
    return response;
  };
  price = 26;
  const Response two = generate("x", 2);
  EXPECT_EQ(two.status, 429) << two.body;
  EXPECT_EQ(code_of(two), "insufficient_quota");
  EXPECT_EQ(queue_->size(), 0U);  // nothing waits, and nothing was made
  EXPECT_EQ(generate("x", 1).status, 200);
  // It costs more than the quote said.
  const Response dear = generate("dear", 1);
  EXPECT_EQ(dear.status, 429) << dear.body;
  EXPECT_EQ(code_of(dear), "insufficient_quota");
  EXPECT_EQ(*(*json_of(dear).object("error"))->text("type"), "rate_limit_error");
}

}  // namespace
}  // namespace starling::api::videos
