// starling serve over TLS, and where it says that pictures are found.
#include <curl/curl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/process.h"
#include "cli/command.h"
#include "program.h"
#include "tls_pair.h"

namespace starling::cli {
namespace {

std::size_t append_bytes(char* bytes, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(bytes, size * count);
  return size * count;
}

// Trusts one certificate, and nobody else.
class TlsClient {
 public:
  explicit TlsClient(std::string certificate) : certificate_(std::move(certificate)) {}

  // The body of what it answers; nothing when there is no answer in time. body: empty for GET.
  std::optional<std::string> ask(const std::string& url, const std::string& body = "", long milliseconds = 60'000) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> line(curl_easy_init(), &curl_easy_cleanup);
    std::string answer;
    curl_slist* const type = curl_slist_append(nullptr, "Content-Type: application/json");
    curl_easy_setopt(line.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(line.get(), CURLOPT_CAINFO, certificate_.c_str());
    curl_easy_setopt(line.get(), CURLOPT_TIMEOUT_MS, milliseconds);
    curl_easy_setopt(line.get(), CURLOPT_WRITEFUNCTION, &append_bytes);
    curl_easy_setopt(line.get(), CURLOPT_WRITEDATA, &answer);
    if (!body.empty()) {
      curl_easy_setopt(line.get(), CURLOPT_HTTPHEADER, type);
      curl_easy_setopt(line.get(), CURLOPT_POSTFIELDS, body.c_str());
    }
    const CURLcode code = curl_easy_perform(line.get());
    curl_slist_free_all(type);
    return code == CURLE_OK ? std::optional(answer) : std::nullopt;
  }

 private:
  const std::string certificate_;
};

class TlsTest : public ProgramTest {
 protected:
  TlsTest() {
    const TlsPair pair = make_tls_pair();
    overwrite(at("server.crt"), pair.certificate);
    overwrite(at("server.key"), pair.key);
  }
  // Where it listens.
  std::string serve(const std::vector<std::string>& more = {}) {
    auto started =
        base::ChildProcess::start(with({STARLING_PROGRAM, "serve", "--home", at("gateway").string(), "--model",
                                        model().string(), "--listen", "127.0.0.1:0", "--json", "--tls-certificate",
                                        at("server.crt").string(), "--tls-key", at("server.key").string()},
                                       more),
                                  {.log = at("log")});
    EXPECT_TRUE(started.ok());
    server_.emplace(*std::move(started));
    const auto line = server_->read_line(std::chrono::seconds(60));
    EXPECT_TRUE(line.ok()) << contents(at("log"));
    return line.ok() ? *base::Json::parse(*line, "the server")->text("url") : std::string();
  }
  void stop() {
    server_->ask_to_stop();
    EXPECT_EQ(server_->wait(std::chrono::seconds(20)), kFine);
  }
  // The address of a picture that is made.
  std::string picture(const std::string& server) {
    const auto answer = client_.ask(server + "/v1/images/generations",
                                    R"({"prompt":"a red ball","size":"32x16","steps":1,"response_format":"url"})");
    EXPECT_TRUE(answer.has_value());
    const auto json = base::Json::parse(answer.value_or(""), "the answer");
    if (!json.ok() || !json->has("data")) {
      ADD_FAILURE() << answer.value_or("");
      return {};
    }
    return *(*json->array("data"))->elements()[0].text("url");
  }

  TlsClient client_{at("server.crt").string()};
  std::optional<base::ChildProcess> server_;
};

TEST_F(TlsTest, PicturesAreFoundWhereTheServerIs) {
  const std::string server = serve();
  ASSERT_TRUE(server.starts_with("https://127.0.0.1:")) << server;
  const std::string url = picture(server);
  EXPECT_TRUE(url.starts_with(server + "/v1/videos/")) << url;
  EXPECT_EQ(client_.ask(url).value_or("").substr(1, 3), "PNG");
  // Nothing is said to whoever does not speak TLS, or trusts others.
  EXPECT_FALSE(client_.ask("http" + server.substr(5) + "/v1/models", "", 5000));
  overwrite(at("other.crt"), make_tls_pair().certificate);
  EXPECT_FALSE(TlsClient(at("other.crt").string()).ask(server + "/v1/models"));
  stop();
  const std::string behind = serve({"--public-url", "https://videos.example.org/gateway//"});
  const std::string named = picture(behind);
  EXPECT_TRUE(named.starts_with("https://videos.example.org/gateway/v1/videos/video_")) << named;
  EXPECT_EQ(client_.ask(behind + named.substr(named.find("/v1/"))).value_or("").substr(1, 3), "PNG");
  stop();
  for (const char* const wrong :
       {"videos.example.org", "ftp://videos.example.org", "https://", "https://a.example?x"}) {
    const Ran refused = wait(start({"serve", "--home", at("gateway").string(), "--model", model().string(), "--listen",
                                    "127.0.0.1:0", "--public-url", wrong}));
    EXPECT_EQ(refused.code, kFailed) << wrong;
    EXPECT_NE(refused.err.find("is no public URL: give one such as"), std::string::npos) << refused.err;
  }
}

TEST_F(TlsTest, WhoTakesItsLeaveIsNotWaitedFor) {
  const std::string server = serve();
  const std::string list = server + "/v1/videos";
  const auto count = [&] {
    const auto json = base::Json::parse(client_.ask(list).value_or(""), "the list");
    return json.ok() ? (*json->array("data"))->elements().size() : std::size_t{99};
  };
  ASSERT_TRUE(client_.ask(list, R"({"prompt":"a red ball","size":"256x256","num_frames":5,"steps":1000})"));
  EXPECT_FALSE(client_.ask(server + "/v1/images/generations", R"({"prompt":"a red ball","steps":1000})", 300));
  for (int i = 0; i < 200 && count() != 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(count(), 1U);
}

}  // namespace
}  // namespace starling::cli
