// The server of the Videos API as a process: killed at any moment, it goes on, and makes each video once.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <thread>

#include "api/videos/base64.h"
#include "base/process.h"
#include "base/wall_clock.h"
#include "cli/command.h"
#include "node/http_client.h"
#include "program.h"

namespace starling::cli {
namespace {

using std::chrono::milliseconds;

// A PNG of one green pixel.
constexpr const char* kPicture =
    "data:image/"
    "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNg+M8AAAICAQB7CYF4AAAAAElFTkSuQmCC";

class ServeTest : public ProgramTest {
 protected:
  void start_server(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{STARLING_PROGRAM, "serve",          "--home",   at("gateway").string(),
                                       "--model",        model().string(), "--listen", "127.0.0.1:0",
                                       "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto started = base::ChildProcess::start(arguments, {.log = at("log")});
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_.emplace(*std::move(started));
    const auto line = server_->read_line(std::chrono::seconds(60));
    ASSERT_TRUE(line.ok()) << line.error().message;
    url_ = *base::Json::parse(*line, "the server")->text("base_url");
  }
  void kill_server() {
    ::kill(server_->id(), SIGKILL);
    server_->wait(std::chrono::seconds(10));
  }
  node::HttpReply send(const std::string& method, const std::string& path, const std::string& body = "",
                       const std::string& key = "") {
    node::HttpRequest request;
    request.method = method;
    request.url = url_ + path;
    request.body = body;
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (!key.empty()) request.headers.emplace_back("Authorization", "Bearer " + key);
    auto reply = http_.send(request);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply.ok() ? *reply : node::HttpReply{};
  }
  base::Json get(const std::string& path) { return *base::Json::parse(send("GET", path).body, path); }
  std::string ask(int steps, const std::string& size = "32x16") {
    const node::HttpReply reply = send("POST", "/videos",
                                       R"({"prompt":"a red ball","size":")" + size +
                                           R"(","num_frames":5,"seed":7,"steps":)" + std::to_string(steps) + "}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return *base::Json::parse(reply.body, "reply")->text("id");
  }
  // What a video has come to once it is over.
  base::Json wait_for(const std::string& id) {
    base::Json video;
    for (int i = 0; i < 6000; ++i) {
      video = get("/videos/" + id);
      const std::string status = *video.text("status");
      if (status == "completed" || status == "failed") return video;
      std::this_thread::sleep_for(milliseconds(5));
    }
    ADD_FAILURE() << video.to_text();
    return video;
  }

  // What a video comes to wait for, before it is over.
  std::string waits_for(const std::string& id) {
    for (int i = 0; i < 6000; ++i) {
      const base::Json video = get("/videos/" + id);
      const auto what = (*video.object("starling"))->text("waits_for");
      if (what.ok()) return *what;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return "nothing";
  }

  node::HttpClient http_;
  std::optional<base::ChildProcess> server_;
  std::string url_;
};

TEST_F(ServeTest, KilledAtAnyMomentItMakesEachVideoOnce) {
  start_server();
  const std::string reference = ask(40);
  ASSERT_EQ(*wait_for(reference).text("status"), "completed");
  const std::string output =
      *base::Json::parse(send("GET", "/videos/" + reference + "/content?variant=receipt").body, "receipt")
           ->text("output_root");
  std::set<std::string> asked;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) asked.insert(ask(40));
    std::this_thread::sleep_for(milliseconds(20 + 70 * round));
    kill_server();
    start_server();
  }
  for (const std::string& id : asked) {
    const base::Json video = wait_for(id);
    ASSERT_EQ(*video.text("status"), "completed") << video.to_text();
    const std::string content = "/videos/" + id + "/content";
    const auto receipt = base::Json::parse(send("GET", content + "?variant=receipt").body, "receipt");
    EXPECT_EQ(*receipt->text("output_root"), output);
    EXPECT_EQ(send("GET", content).body.substr(4, 4), "ftyp");
  }
  const auto all = get("/videos?limit=100");
  EXPECT_EQ((*all.array("data"))->elements().size(), asked.size() + 1);
  // An orderly end while something is made, and a deletion of what is being made.
  const std::string last = ask(500);
  std::this_thread::sleep_for(milliseconds(100));
  server_->ask_to_stop();
  EXPECT_EQ(server_->wait(std::chrono::seconds(20)), kFine);
  start_server();
  EXPECT_EQ(send("DELETE", "/videos/" + last).status, 200);
  EXPECT_EQ(send("GET", "/videos/" + last).status, 404);
  kill_server();
  start_server();
  EXPECT_EQ(send("GET", "/videos/" + last).status, 404);
  for (int i = 0; i < 2000 && std::filesystem::exists(at("gateway/videos/" + last)); ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_FALSE(std::filesystem::exists(at("gateway/videos/" + last)));
}

TEST_F(ServeTest, WordsOfADeletedVideoAreInNoFile) {
  start_server();
  const std::string word = "zebraquux";
  const auto holds_word = [&] {
    return std::ranges::any_of(std::filesystem::recursive_directory_iterator(at("gateway")), [&](const auto& file) {
      return file.is_regular_file() && contents(file.path()).find(word) != std::string::npos;
    });
  };
  const node::HttpReply reply =
      send("POST", "/videos", R"({"prompt":"a red )" + word + R"(","size":"32x16","num_frames":1,"steps":1})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string id = *base::Json::parse(reply.body, "reply")->text("id");
  ASSERT_EQ(*wait_for(id).text("status"), "completed");
  ASSERT_TRUE(holds_word());
  EXPECT_EQ(send("DELETE", "/videos/" + id).status, 200);
  for (int i = 0; i < 200 && holds_word(); ++i) std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(holds_word());
}

TEST_F(ServeTest, KeysDivideAndCloseIt) {
  start_server();
  EXPECT_EQ(send("GET", "/videos").status, 200);
  const auto make_key = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"key", "create", "--home", at("gateway").string(), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, kFine) << ran.err;
    return ran.json();
  };
  const base::Json first = make_key({"--name", "first"});
  const base::Json second = make_key({"--scopes", "read"});
  const base::Json slow = make_key({"--per-minute", "1"});
  const std::string secret = *first.text("secret");
  // Keys are seen one after the other, the last one last.
  const auto all_seen = [&] {
    return send("GET", "/videos").status == 401 && send("GET", "/videos", "", *slow.text("secret")).status == 200;
  };
  for (int i = 0; i < 2000 && !all_seen(); ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(send("GET", "/videos").status, 401);
  EXPECT_EQ(send("GET", "/videos", "", "sk-wrong").status, 401);
  const std::string body = R"({"prompt":"a red ball","size":"32x16","num_frames":1,"steps":1})";
  const node::HttpReply made = send("POST", "/videos", body, secret);
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string id = *base::Json::parse(made.body, "made")->text("id");
  EXPECT_EQ(send("GET", "/videos/" + id, "", secret).status, 200);
  const std::string reader = *second.text("secret");
  EXPECT_EQ(send("GET", "/videos/" + id, "", reader).status, 404);
  EXPECT_EQ(send("GET", "/videos/" + id + "/content", "", reader).status, 404);
  EXPECT_EQ(send("POST", "/videos", body, reader).status, 403);
  EXPECT_EQ(send("DELETE", "/videos/" + id, "", reader).status, 403);
  EXPECT_EQ(send("POST", "/videos", body, *slow.text("secret")).status, 200);
  const node::HttpReply busy = send("POST", "/videos", body, *slow.text("secret"));
  EXPECT_EQ(busy.status, 429);
  EXPECT_FALSE(busy.header("retry-after").empty());
  EXPECT_EQ(run({"key", "revoke", *first.text("id"), "--home", at("gateway").string()}).code, kFine);
  for (int i = 0; i < 1000 && send("GET", "/videos", "", secret).status != 401; ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(send("GET", "/videos", "", secret).status, 401);
  EXPECT_NE(run({"key", "list", "--home", at("gateway").string()}).out.find("revoked"), std::string::npos);
}

TEST_F(ServeTest, ABudgetThatIsSpentIsRaisedWhileItRuns) {
  const std::vector<std::string> home{"--home", at("gateway").string(), "--json"};
  const Ran made = run(with({"key", "create", "--budget", "0"}, home));
  ASSERT_EQ(made.code, kFine) << made.err;
  const std::string id = *made.json().text("id");
  const std::string secret = *made.json().text("secret");
  start_server();
  const std::string body = R"({"prompt":"a red ball","size":"32x16","num_frames":1,"steps":1})";
  const node::HttpReply spent = send("POST", "/videos", body, secret);
  EXPECT_EQ(spent.status, 429);
  EXPECT_NE(spent.body.find("starling key set " + id + " --budget"), std::string::npos) << spent.body;
  const Ran raised = run(with({"key", "set", id, "--budget", "2.5"}, home));
  ASSERT_EQ(raised.code, kFine) << raised.err;
  EXPECT_GT(std::stoull(*raised.json().text("budget")), 0U);
  EXPECT_EQ(send("POST", "/videos", body, secret).status, 200);
  const Ran any = run(with({"key", "set", id, "--budget", "any", "--per-minute", "9"}, home));
  ASSERT_EQ(any.code, kFine) << any.err;
  EXPECT_TRUE(any.json().find("budget")->is_null());
  EXPECT_EQ(*any.json().integer("per_minute"), 9);
  EXPECT_TRUE(any.json().find("expires_at")->is_null());
  const Ran a_day = run(with({"key", "set", id, "--days", "1"}, home));
  ASSERT_EQ(a_day.code, kFine) << a_day.err;
  EXPECT_NEAR(static_cast<double>(*a_day.json().integer("expires_at") - base::unix_seconds()), 86'400.0, 60.0);
  EXPECT_TRUE(run(with({"key", "set", id, "--days", "0"}, home)).json().find("expires_at")->is_null());
  const auto refused = [&](const std::vector<std::string>& arguments, const char* sentence) {
    const Ran ran = run(with(arguments, home));
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_NE(ran.err.find(sentence), std::string::npos) << ran.err;
  };
  refused({"key", "set", id}, "--budget");
  refused({"key", "set", "key_0", "--budget", "1"}, "starling key list");
  refused({"key", "set", id, "--budget", "much"}, "much");
}

TEST_F(ServeTest, OneVideoDoesNotTakeAllOfItsTime) {
  const std::string body = R"({"prompt":"a red ball","size":"512x512","num_frames":33,"steps":900})";
  start_server({"--most-seconds", "1"});
  const node::HttpReply refused = send("POST", "/videos", body);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("would take this server about"), std::string::npos) << refused.body;
  EXPECT_EQ(*wait_for(ask(3)).text("status"), "completed");
  kill_server();
  start_server({"--most-seconds", "0"});
  EXPECT_EQ(send("POST", "/videos", body).status, 200);
}

TEST_F(ServeTest, AnUploadTakesNoMoreMemoryThanItMay) {
  start_server();
  const std::string body = R"({"prompt":"x","size":"32x16","num_frames":5,"steps":1,"input_reference":{"image_url":")";
  EXPECT_EQ(send("POST", "/videos", body + kPicture + "\"}}").status, 200);
  const std::string packed = api::videos::encode_base64(base::as_bytes(film_of_much_memory()));
  const node::HttpReply refused = send("POST", "/videos", body + "data:video/mp4;base64," + packed + "\"}}");
  EXPECT_EQ(refused.status, 400) << refused.body;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)  // these take no such bound
  EXPECT_NE(refused.body.find("takes more memory"), std::string::npos) << refused.body;
#endif
  EXPECT_NE(refused.body.find("input_reference"), std::string::npos) << refused.body;
}

// Killed as the order goes out, or after it, or while the video is made there: it is ordered once.
TEST_F(ServeTest, ANetworkIsPaidOnce) {
  auto devnet = base::ChildProcess::start({STARLING_PROGRAM, "devnet", "--providers", "1", "--threads", "1", "--home",
                                           at("net").string(), "--model", model().string(), "--json"},
                                          {.log = at("devnet.log")});
  ASSERT_TRUE(devnet.ok());
  const auto line = devnet->read_line(std::chrono::seconds(60));
  ASSERT_TRUE(line.ok());
  const base::Json ready = *base::Json::parse(*line, "the devnet");
  const std::string network = *ready.text("url");
  start_server({"--network", network, "--workers", "2"});
  std::set<std::string> asked{ask(3)};
  ASSERT_EQ(*wait_for(*asked.begin()).text("status"), "completed") << get("/videos/" + *asked.begin()).to_text();
  for (const int pause : {5, 60, 200}) {
    asked.insert(ask(3));
    std::this_thread::sleep_for(milliseconds(pause));
    kill_server();
    start_server({"--network", network, "--workers", "2"});
  }
  std::set<std::string> tasks;
  for (const std::string& id : asked) {
    const base::Json video = wait_for(id);
    ASSERT_EQ(*video.text("status"), "completed") << video.to_text();
    const base::Json& starling = **video.object("starling");
    EXPECT_NE(*starling.text("price"), "0");
    tasks.insert(*starling.text("task"));
    EXPECT_EQ(send("GET", "/videos/" + id + "/content").body.substr(4, 4), "ftyp");
  }
  EXPECT_EQ(tasks.size(), asked.size());
  const auto all = http_.get(network + "/v1/tasks?requester=" + *ready.text("account"));
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ((*base::Json::parse(all->body, "tasks")->array("tasks"))->elements().size(), asked.size());
  // It goes on from what it has, on the network too, also when it is killed meanwhile; and each is as the server
  // checks.
  const std::string& first = *asked.begin();
  std::vector<std::string> onward;
  for (const auto& [path, body] :
       {std::pair("/videos/extensions", R"({"prompt":"more","seconds":"1","video":{"id":")" + first + R"("}})"),
        std::pair("/videos/edits", R"({"prompt":"a blue ball","video":{"id":")" + first + R"("}})"),
        std::pair("/videos",
                  R"({"prompt":"x","size":"32x16","num_frames":5,"steps":3,"input_reference":{"image_url":")" +
                      std::string(kPicture) + R"("}})")}) {
    const node::HttpReply reply = send("POST", path, body);
    ASSERT_EQ(reply.status, 200) << reply.body;
    onward.push_back(*base::Json::parse(reply.body, "reply")->text("id"));
  }
  std::this_thread::sleep_for(milliseconds(60));
  kill_server();
  start_server({"--network", network, "--workers", "2"});
  for (const std::string& id : onward) {
    const base::Json video = wait_for(id);
    ASSERT_EQ(*video.text("status"), "completed") << video.to_text();
    tasks.insert(*(*video.object("starling"))->text("task"));
    const std::string checked = send("POST", "/videos/" + id + "/check", R"({"calls":2})").body;
    EXPECT_NE(checked.find(R"("valid":true)"), std::string::npos) << checked;
  }
  EXPECT_EQ(tasks.size(), asked.size() + onward.size());
  const auto paid = http_.get(network + "/v1/tasks?requester=" + *ready.text("account"));
  ASSERT_TRUE(paid.ok()) << paid.error().message;
  EXPECT_EQ((*base::Json::parse(paid->body, "tasks")->array("tasks"))->elements().size(), tasks.size());
  // The network goes: what is asked waits, and can be deleted.
  devnet->ask_to_stop();
  devnet->wait(std::chrono::seconds(20));
  const std::string waiting = ask(3);
  EXPECT_EQ(waits_for(waiting), "network");
  EXPECT_EQ(*get("/videos/" + waiting).text("status"), "queued");
  EXPECT_EQ(send("DELETE", "/videos/" + waiting).status, 200);
}

// Providers of a network that comes back are there later than its gateway.
TEST_F(ServeTest, AVideoWaitsForAProvider) {
  const auto start_net = [&](const char* providers, const std::string& port) {
    return base::ChildProcess::start({STARLING_PROGRAM, "devnet", "--providers", providers, "--threads", "1", "--home",
                                      at("net").string(), "--port", port, "--model", model().string(), "--json"},
                                     {.log = at("devnet.log")});
  };
  std::string port = "0";
  std::optional<base::ChildProcess> net;
  const auto restart_net = [&](const char* providers) {
    if (net) {
      net->ask_to_stop();
      net->wait(std::chrono::seconds(20));
    }
    auto started = start_net(providers, port);
    ASSERT_TRUE(started.ok());
    net.emplace(*std::move(started));
    const auto line = net->read_line(std::chrono::seconds(60));
    ASSERT_TRUE(line.ok());
    const std::string url = *base::Json::parse(*line, "the devnet")->text("url");
    port = url.substr(url.rfind(':') + 1);
  };
  restart_net("1");
  start_server({"--network", "http://127.0.0.1:" + port, "--workers", "1"});
  restart_net("0");
  // Whoever waits for a picture is told at once.
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(send("POST", "/images/generations", R"({"prompt":"a red ball","size":"32x16"})").status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::minutes(1));
  const std::string id = ask(3);
  EXPECT_EQ(waits_for(id), "provider");
  std::this_thread::sleep_for(std::chrono::seconds(3));
  ASSERT_EQ(*get("/videos/" + id).text("status"), "queued") << get("/videos/" + id).to_text();
  restart_net("1");
  const base::Json video = wait_for(id);
  EXPECT_EQ(*video.text("status"), "completed") << video.to_text();
}

TEST_F(ServeTest, WhoWaitsForAPictureDoesNotKeepItFromStopping) {
  start_server();
  const std::string before = ask(1000, "256x256");  // the one worker's, for minutes
  std::thread client(
      [&] { EXPECT_EQ(send("POST", "/images/generations", R"({"prompt":"a red ball","size":"32x16"})").status, 503); });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_EQ(*get("/videos/" + before).text("status"), "in_progress");
  server_->ask_to_stop();
  EXPECT_EQ(server_->wait(std::chrono::seconds(60)), 0);
  client.join();
}

TEST_F(ServeTest, APublicAddressTakesKeys) {
  const Ran refused = wait(start(
      {"serve", "--home", at("public").string(), "--model", model().string(), "--listen", "0.0.0.0:0", "--json"}));
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_NE(refused.err.find("starling key create"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace starling::cli
