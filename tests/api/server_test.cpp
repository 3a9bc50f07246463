#include "api/server.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "node/http_client.h"
#include "raw_client.h"

namespace starling::api {
namespace {

using std::chrono::milliseconds;

// What handlers wait for until a test opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [this] { return open_; });
  }
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class Servers : public testing::Test {
 protected:
  Servers() {
    file_ = std::filesystem::path(testing::TempDir()) / ("starling_server_" + std::to_string(::getpid()));
    std::ofstream(file_) << std::string(100'000, 'f');
  }
  ~Servers() override {
    gate_.open();
    server_.reset();
    std::filesystem::remove(file_);
  }

  void start(ServerOptions options = {}) {
    Router router;
    router.add(get_route("/hello",
                         [](const Request& r) { return text_response("hello " + r.header("x-name"), "text/plain"); }));
    Route echo;
    echo.method = Method::kPost;
    echo.pattern = "/echo";
    echo.body_limit = 1000;
    echo.handler = [](const Request& r) { return text_response(r.body, "text/plain"); };
    router.add(echo);
    echo.pattern = "/echo-on-worker";
    echo.runs = Runs::kOnWorker;
    echo.body_limit = 3'000'000;
    router.add(echo);
    router.add(get_on_worker("/gate", [this](const Request&) {
      gate_.wait();
      return text_response("through", "text/plain");
    }));
    Route later;
    later.pattern = "/later";
    later.later = [this](const Request& r, Answer answer) {
      const std::lock_guard lock(mutex_);
      answers_.emplace(r.header("x-name"), std::move(answer));
    };
    router.add(later);
    later.pattern = "/forgotten";
    later.later = [](const Request&, const Answer&) {};
    router.add(later);
    router.add(get_route("/file", [this](const Request&) {
      Response response;
      response.file = FileRange{*OpenFile::open(file_), 10, 50'000};
      return response;
    }));
    router.add(get_route("/throw", [](const Request&) -> Response { throw 1; }));
    auto server = Server::start(std::move(router), options, &metrics_);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }

  std::string url(const std::string& path) const { return server_->url() + path; }
  std::string ask(const std::string& text) {
    RawClient client(server_->port());
    client.send(text);
    return client.receive_all(3000);
  }
  std::size_t kept_answers() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

  Gate gate_;
  std::mutex mutex_;
  std::map<std::string, Answer> answers_;
  base::Metrics metrics_;
  std::filesystem::path file_;
  std::unique_ptr<Server> server_;
  node::HttpClient client_;
};

TEST_F(Servers, AnswersEveryKindOfHandler) {
  start();
  EXPECT_EQ(client_.get(url("/hello"))->body, "hello ");
  EXPECT_EQ(client_.get(url("/hello"))->header("content-type"), "text/plain");
  EXPECT_EQ(client_.post(url("/echo"), "abc", "text/plain")->body, "abc");
  const std::string large(2'500'000, 'x');
  EXPECT_EQ(client_.post(url("/echo-on-worker"), large, "text/plain")->body, large);
  EXPECT_EQ(client_.get(url("/file"))->body, std::string(50'000, 'f'));
  EXPECT_EQ(client_.get(url("/none")).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(client_.get(url("/throw")).error().code, base::ErrorCode::kIo);
  EXPECT_EQ(client_.get(url("/forgotten")).error().code, base::ErrorCode::kIo);
  std::thread opener([this] {
    while (kept_answers() == 0) std::this_thread::sleep_for(milliseconds(1));
    answers_.at("")(text_response("later", "text/plain"));
  });
  EXPECT_EQ(client_.get(url("/later"))->body, "later");
  opener.join();
  const std::string shown = metrics_.text();
  EXPECT_NE(shown.find(R"(starling_http_requests_total{route="/hello",method="GET",status="2xx"} 2)"),
            std::string::npos)
      << shown;
}

TEST_F(Servers, HeadSaysTheLengthAndSendsNothing) {
  start();
  node::HttpRequest request;
  request.method = "HEAD";
  request.url = url("/file");
  const auto reply = client_.send(request);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->header("content-length"), "50000");
  EXPECT_TRUE(reply->body.empty());
}

TEST_F(Servers, AnswersPipelinedRequestsInOrder) {
  start();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "GET /hello HTTP/1.1\r\nHost: x\r\nX-Name: n" + std::to_string(i) + "\r\n\r\n";
  }
  requests +=
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /hello HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n";
  const std::string all = ask(requests);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = all.find("hello n" + std::to_string(i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  at = all.find("abc", at);
  ASSERT_NE(at, std::string::npos);
  EXPECT_NE(all.find("hello", at), std::string::npos);
}

TEST_F(Servers, RefusesBodiesThatAreTooLong) {
  start();
  // Announced and sent.
  const auto reply = client_.post(url("/echo"), std::string(1001, 'x'), "text/plain");
  ASSERT_FALSE(reply.ok());
  EXPECT_NE(reply.error().message.find("413"), std::string::npos) << reply.error().message;
  // Announced, long, and never sent: nobody waits for it.
  EXPECT_EQ(status_of(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n")), 413);
  EXPECT_EQ(status_of(ask("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n")), 404);
  EXPECT_EQ(status_of(ask("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n")), 413);
  // In chunks without end.
  RawClient endless(server_->port());
  endless.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  int chunks = 0;
  while (chunks < 1000 && endless.send(chunk)) ++chunks;
  EXPECT_LT(chunks, 1000);
  // In chunks, too long, and ended: its sender reads why.
  std::string body = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status_of(ask(body + chunk + "0\r\n\r\n")), 413);
  EXPECT_EQ(status_of(ask(body + "3\r\nabc\r\n0\r\n\r\n")), 200);
  EXPECT_EQ(client_.get(url("/hello"))->status, 200);
}

TEST_F(Servers, SurvivesRequestsThatAreNone) {
  start();
  for (const std::string& text :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("GET /hello\r\n\r\n"),
        std::string("GET /hello HTTP/9.9\r\n\r\n"), std::string("\0\0\0\0\r\n\r\n", 8), std::string(100'000, 'A'),
        "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n",
        std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n"),
        std::string("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
        std::string(
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        std::string("GET /%00/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9)}) {
    RawClient client(server_->port());
    client.send(text);
    const int status = status_of(client.receive_some(100));
    EXPECT_TRUE(status == 0 || status >= 400) << status << " to " << text.substr(0, 60);
  }
  EXPECT_EQ(client_.get(url("/hello"))->status, 200);
}

TEST_F(Servers, TakesHeadersOfTwelveThousandBytes) {
  start();
  const auto with = [](std::size_t bytes) {
    return "GET /hello HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nCookie: " + std::string(bytes, 'a') +
           "\r\nConnection: close\r\n\r\n";
  };
  EXPECT_NE(ask(with(12'000)).find("hello me"), std::string::npos);
  EXPECT_EQ(status_of(ask(with(17'000))), 431);
}

TEST_F(Servers, ThreadsThatGiveWayInterruptNobody) {
  const auto policy = [](bool gives_way) {
    Router router;
    router.add(get_route(
        "/", [](const Request&) { return text_response(std::to_string(::sched_getscheduler(0)), "text/plain"); }));
    ServerOptions options;
    options.gives_way = gives_way;
    const auto server = Server::start(std::move(router), options);
    return (*node::HttpClient().get((*server)->url() + "/")).body;
  };
  const int own = ::sched_getscheduler(0);
  EXPECT_EQ(policy(true), std::to_string(own == SCHED_OTHER ? SCHED_BATCH : own));
  EXPECT_EQ(::sched_getscheduler(0), own);
  EXPECT_EQ(policy(false), std::to_string(own));
}

// Two opinions of where a body ends would let one request hide in another: 400, and the connection ends.
TEST_F(Servers, TakesOneLengthOfABody) {
  start();
  const std::string hidden = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const std::string lengths :
       {"Content-Length: 0\r\nContent-Length: 36\r\n", "Content-Length: 36\r\ncontent-length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 36\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 36\r\n"}) {
    RawClient client(server_->port());
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + lengths + "\r\n" + hidden);
    const std::string reply = client.receive_all(2000);
    EXPECT_EQ(status_of(reply), 400) << lengths << reply;
    EXPECT_EQ(reply.find("hello"), std::string::npos) << lengths << reply;
  }
}

TEST_F(Servers, RefusesHeadersThatCouldBeReadInTwoWays) {
  start();
  const auto status = [&](const std::string& headers) {
    return status_of(ask("POST /echo HTTP/1.1\r\n" + headers + "\r\n0\r\n\r\n"));
  };
  const std::string close = "Connection: close\r\n";
  EXPECT_EQ(status("Host: x\r\nTransfer-Encoding: Chunked\r\n" + close), 200);
  for (const char* coding : {"gzip", "gzip, chunked", "xchunked", "identity", "chunked, chunked"}) {
    EXPECT_EQ(status("Host: x\r\nTransfer-Encoding: " + std::string(coding) + "\r\n"), 501) << coding;
  }
  EXPECT_EQ(status("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400);
  EXPECT_EQ(status("Host: x\r\nTransfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(status("Host: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" + close), 415);
  EXPECT_EQ(status("Host: x\r\nHost: y\r\nContent-Length: 0\r\n"), 400);
}

TEST_F(Servers, TakesTargetsThatAreWholeUrls) {
  start();
  const auto reply = [&](const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: x\r\nX-Name: me\r\nConnection: close\r\n\r\n");
  };
  EXPECT_NE(reply("http://anywhere:80/hello?a=b").find("hello me"), std::string::npos);
  for (const char* other : {"http://anywhere", "http://anywhere?/hello", "http://", "hello", "*"}) {
    EXPECT_EQ(status_of(reply(other)), 404) << other;
  }
}

TEST_F(Servers, ClosesConnectionsThatAreTooSlow) {
  ServerOptions options;
  options.patience = milliseconds(300);
  options.slowest = 1'000'000;
  start(options);
  RawClient silent(server_->port());
  RawClient half(server_->port());
  half.send("GET /hello HTTP/1.1\r\nHost:");
  RawClient body(server_->port());
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  RawClient kept(server_->port());
  kept.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(kept.receive_until("hello")), 200);
  // A byte from time to time is no progress.
  RawClient dribbling(server_->port());
  bool open = true;
  for (int i = 0; open && i < 100; ++i) {
    open = dribbling.send("G");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_FALSE(open);
  EXPECT_TRUE(silent.closed_within(2000));
  EXPECT_TRUE(half.closed_within(2000));
  EXPECT_TRUE(body.closed_within(2000));
  EXPECT_TRUE(kept.closed_within(2000));
}

TEST_F(Servers, HandlersMayTakeLongerThanPatience) {
  ServerOptions options;
  options.patience = milliseconds(100);
  start(options);
  std::thread opener([this] {
    std::this_thread::sleep_for(milliseconds(500));
    gate_.open();
  });
  EXPECT_EQ(client_.get(url("/gate"))->body, "through");
  opener.join();
}

TEST_F(Servers, WorkersThatWaitDoNotStopTheOthers) {
  ServerOptions options;
  options.workers = 2;
  options.most_waiting = 3;
  start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(server_->port());
    clients.back().send("GET /gate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    // The first two are on the workers before the queue fills.
    while (i < 2 && gate_.waiting() <= i) std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(client_.get(url("/hello"))->status, 200);
  // Two run, three wait, five are refused at once.
  int refused = 0;
  std::vector<bool> done(clients.size());
  for (int round = 0; round < 100 && refused < 5; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (!done[i] && status_of(clients[i].receive_some(1)) == 503) {
        done[i] = true;
        ++refused;
      }
    }
  }
  EXPECT_EQ(refused, 5);
  gate_.open();
  int through = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (!done[i] && status_of(clients[i].receive_all(2000)) == 200) ++through;
  }
  EXPECT_EQ(through, 5);
}

TEST_F(Servers, LongPollsHoldNoThreadAndEndWithTheServer) {
  ServerOptions options;
  options.workers = 1;
  start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) {
    clients.emplace_back(server_->port());
    clients.back().send("GET /later HTTP/1.1\r\nHost: x\r\nX-Name: " + std::to_string(i) + "\r\n\r\n");
  }
  while (kept_answers() < clients.size()) std::this_thread::sleep_for(milliseconds(1));
  // Some of them go away while they wait.
  while (clients.size() > 150) clients.pop_back();
  EXPECT_EQ(client_.get(url("/hello"))->status, 200);
  for (std::size_t i = 0; i < 100; ++i) answers_.at(std::to_string(i))(text_response("now", "text/plain"));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(status_of(clients[i].receive_until("now")), 200);
  server_->stop();
  for (std::size_t i = 100; i < 150; ++i) EXPECT_EQ(status_of(clients[i].receive_all()), 503) << i;
  // Whoever answers now comes too late, and harms nothing.
  for (const auto& [name, answer] : answers_) answer(text_response("late", "text/plain"));
  EXPECT_EQ(client_.get(url("/hello")).error().code, base::ErrorCode::kIo);
}

TEST_F(Servers, StopsWhileRequestsComeAndRun) {
  start();
  std::atomic<bool> enough = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      node::HttpClient client;
      while (!enough) {
        const auto reply =
            i % 2 == 0 ? client.get(url("/hello")) : client.post(url("/echo-on-worker"), "x", "text/plain");
        if (!reply.ok()) return;
      }
    });
  }
  std::this_thread::sleep_for(milliseconds(100));
  server_->stop();
  enough = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Servers, BodiesTogetherAreBounded) {
  ServerOptions options;
  options.buffered_bytes = 1'000'000;
  start(options);
  RawClient holding(server_->port());
  holding.send("POST /echo-on-worker HTTP/1.1\r\nHost: x\r\nContent-Length: 950000\r\n\r\n" +
               std::string(940'000, 'x'));
  const base::Gauge& held = metrics_.gauge("starling_http_held_bytes", "");
  while (held.value() < 940'000) std::this_thread::sleep_for(milliseconds(1));
  bool refused = false;
  for (int i = 0; i < 200 && !refused; ++i) {
    refused = !client_.post(url("/echo-on-worker"), std::string(100'000, 'y'), "text/plain").ok();
    if (!refused) std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(refused);
  // Until what was read of the refused bodies is let go: the next bytes are as much beyond the bound as theirs.
  while (held.value() > 940'000) std::this_thread::sleep_for(milliseconds(1));
  holding.send(std::string(10'000, 'x'));
  EXPECT_EQ(status_of(holding.receive_some()), 200);
  bool taken = false;
  for (int i = 0; i < 200 && !taken; ++i) {
    taken = client_.post(url("/echo-on-worker"), std::string(100'000, 'y'), "text/plain").ok();
  }
  EXPECT_TRUE(taken);
}

TEST_F(Servers, SaysWhyItCannotListen) {
  start();
  ServerOptions options;
  options.port = server_->port();
  const auto second = Server::start({}, options);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find(std::to_string(server_->port())), std::string::npos);
  options.address = "localhost";
  EXPECT_FALSE(Server::start({}, options).ok());
  options.port = 0;
  options.address = "::1";
  const auto v6 = Server::start({}, options);
  if (v6.ok()) {
    EXPECT_EQ(client_.get((*v6)->url() + "/").error().code, base::ErrorCode::kNotFound);
  }
}

TEST_F(Servers, ClientGivesUpAsTold) {
  start();
  node::HttpRequest request;
  request.url = url("/gate");
  request.time = milliseconds(100);
  const base::Error late = client_.send(request).error();
  EXPECT_EQ(late.code, base::ErrorCode::kIo);
  EXPECT_NE(late.message.find("does not answer in time"), std::string::npos) << late.message;
  request.time = milliseconds(10'000);
  std::atomic<bool> cancel = false;
  request.cancelled = [&] { return cancel.load(); };
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(100));
    cancel = true;
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(client_.send(request).error().code, base::ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2000));
  canceller.join();
  gate_.open();

  node::HttpRequest large;
  large.url = url("/file");
  large.most_bytes = 49'999;
  EXPECT_EQ(client_.send(large).error().code, base::ErrorCode::kLimit);
  large.most_bytes = 50'000;
  std::size_t streamed = 0;
  large.sink = [&](base::ByteView bytes) -> base::Status {
    streamed += bytes.size();
    return {};
  };
  EXPECT_TRUE(client_.send(large)->body.empty());
  EXPECT_EQ(streamed, 50'000U);
  large.sink = [](base::ByteView) -> base::Status { return base::corrupt("not this"); };
  EXPECT_EQ(client_.send(large).error().code, base::ErrorCode::kCorrupt);
  for (const char* wrong : {"", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://127.0.0.1:99999/"}) {
    large.url = wrong;
    EXPECT_FALSE(client_.send(large).ok()) << wrong;
  }
}

}  // namespace
}  // namespace starling::api
