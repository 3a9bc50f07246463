#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/videos/access.h"
#include "api/videos/check_endpoint.h"
#include "api/videos/image_endpoints.h"
#include "api/videos/key_endpoints.h"
#include "api/videos/model_endpoints.h"
#include "api/videos/model_files.h"
#include "api/videos/network_endpoints.h"
#include "api/videos/openapi.h"
#include "api/videos/video_endpoints.h"
#include "api/videos/video_events.h"
#include "generate/random_model.h"
#include "jobs/runner.h"
#include "quick_maker.h"
#include "schemas.h"

namespace starling::api::videos {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// A server's routes with a tiny model, whose answers are held to the OpenAPI document that it hands out.
class Videos : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::vector<std::string> sentences{"a red ball bounces on green ground"};
    auto engine = exact::Engine::create({});
    ASSERT_TRUE(engine.ok());
    const auto model = generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, *engine);
    ASSERT_TRUE(model.ok());
    fs::create_directories(shared());
    ASSERT_TRUE(models::write_checkpoint(shared() / "model", *model).ok());
  }
  static void TearDownTestSuite() { fs::remove_all(shared()); }
  static fs::path shared() { return fs::temp_directory_path() / ("starling-videos-" + std::to_string(::getpid())); }

  Videos() {
    fs::remove_all(shared() / "home");
    fs::create_directories(shared() / "home");
    model_.emplace(*models::Checkpoint::open(shared() / "model"));
    database_ = *jobs::Database::open(shared() / "home" / "jobs.sqlite");
    keys_ = *jobs::ApiKeys::open(*database_);
    jobs::QueueOptions options;
    options.folder = shared() / "home" / "videos";
    options.most_queued = 8;
    queue_ = *jobs::VideoQueue::open(*database_, options);
    access_ =
        std::make_unique<Access>(*keys_, AccessOptions{{"https://page.example"}, [this] { return milliseconds_; }});
    events_ = std::make_unique<VideoEvents>(*queue_);
    gateway_.queue = queue_.get();
    gateway_.access = access_.get();
    gateway_.keys = keys_.get();
    gateway_.now = [] { return 1000; };
    gateway_.rules.model = &*model_;
    gateway_.rules.model_name = "tiny";
    gateway_.rules.model_folder = shared() / "model";
    gateway_.rules.usual.width = 32;
    gateway_.rules.usual.height = 16;
    gateway_.rules.memory = std::uint64_t{1} << 30;
    gateway_.rules.most_pixels = 1 << 22;
    gateway_.quote = [this](const jobs::NewVideo& video) {
      return jobs::quote_here(*model_, video, gateway_.rules.memory);
    };
    router_.add(video_routes(gateway_));
    router_.add(key_routes(gateway_, *keys_));
    gateway_.rules.model_root = *model_->root();
    router_.add(model_routes(gateway_));
    router_.add(model_file_routes(gateway_));
    router_.add(image_route(gateway_));
    router_.add(video_events_route(gateway_, *events_));
    jobs::CheckerOptions checks;
    checks.model = &*model_;
    checker_ = std::make_unique<jobs::Checker>(checks);
    router_.add(check_route(gateway_, *checker_));
    router_.add(network_routes(http_, {"http://127.0.0.1:1", nullptr}));
    router_.add(openapi_route());
    std::vector<std::unique_ptr<jobs::Maker>> makers;
    makers.push_back(std::make_unique<QuickMaker>());
    runner_ = std::make_unique<jobs::Runner>(*queue_, std::move(makers), [] { return std::int64_t{2000}; });
  }

  // As a server does it. Holds what comes back to the document.
  Response ask(Method method, const std::string& target, std::string body = "", std::string type = "application/json",
               const std::map<std::string, std::string>& headers = {}) {
    Request request;
    request.method = method;
    request.headers = headers;
    request.headers.emplace("host", "localhost:1");
    if (!body.empty()) request.headers.emplace("content-type", std::move(type));
    request.body = std::move(body);
    request.path = target.substr(0, target.find('?'));
    Screened screened = access_->screen(method_name(method), request);
    std::optional<Response> response = std::move(screened.refusal);
    if (!response) router_.answer(request, target, Answer([&](Response given) { response = std::move(given); }));
    check(method, request.path, *response);
    return std::move(*response);
  }
  void check(Method method, const std::string& path, const Response& response) {
    const Router::Match match = router_.find(method, path);
    if (match.route == nullptr || response.file || response.stream || response.status == 416 || response.status == 304)
      return;
    std::string name = method_name(method);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const base::Json* const schema = schemas_.answer_schema(match.route->pattern, name, response.status);
    ASSERT_NE(schema, nullptr) << name << " " << path << " answers " << response.status << ": " << response.body;
    const auto json = base::Json::parse(response.body, "answer");
    ASSERT_TRUE(json.ok()) << response.body;
    EXPECT_EQ(schemas_.differs(*schema, *json, "answer"), "") << response.body;
  }
  static base::Json json_of(const Response& response) { return *base::Json::parse(response.body, "answer"); }
  static std::string code_of(const Response& response) {
    const base::Json json = json_of(response);
    return *(*json.object("error"))->text("code");
  }
  std::string make(const std::string& prompt) {
    return *json_of(ask(Method::kPost, "/v1/videos", R"({"prompt":")" + prompt + R"("})")).text("id");
  }
  bool until(const std::string& id, const std::string& status) {
    for (int i = 0; i < 5000; ++i) {
      if (*json_of(ask(Method::kGet, "/v1/videos/" + id)).text("status") == status) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  const Schemas schemas_;
  std::optional<models::Checkpoint> model_;
  std::unique_ptr<jobs::Database> database_;
  std::unique_ptr<jobs::ApiKeys> keys_;
  std::unique_ptr<jobs::VideoQueue> queue_;
  std::int64_t milliseconds_ = 0;  // by the clock of access_
  std::unique_ptr<Access> access_;
  std::unique_ptr<VideoEvents> events_;
  Gateway gateway_;
  std::unique_ptr<jobs::Checker> checker_;
  node::HttpClient http_;
  Router router_;
  std::unique_ptr<jobs::Runner> runner_;
};

}  // namespace starling::api::videos
