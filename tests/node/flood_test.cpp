// Crowds that keep the gateway busy with transactions that must wait, or that nobody signed: nobody else may have to
// wait.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <thread>

#include "ledger/bank/state.h"
#include "test_network.h"

namespace starling::node {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::uint8_t kCrowdProvider = 2;
constexpr std::uint8_t kFirstOfCrowd = 3;
constexpr std::uint8_t kLastOfCrowd = 8;
constexpr std::size_t kUnsigned = 4'000;    // transactions in a body
constexpr std::size_t kCrowd = 300;         // connections: several times a server's workers
constexpr std::size_t kUnsignedCrowd = 80;  // with 40 MB in all
// Whoever waited behind the crowd would wait for seconds, and for dozens of bodies.
constexpr milliseconds kSoon{1'500};

std::string posted(const std::string& body) {
  return "POST /v1/transactions HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string with_length(const base::Bytes& bytes) {
  std::string body;
  for (int shift = 0; shift < 32; shift += 8) body.push_back(static_cast<char>(bytes.size() >> shift & 0xff));
  body.append(bytes.begin(), bytes.end());
  return body;
}

ledger::Transaction transfer_ahead(std::uint8_t key) {
  ledger::Transaction transaction;
  transaction.chain_id = 7001;
  transaction.nonce = 1'000'000;
  transaction.fee = 1'000'000;
  transaction.message = ledger::bank::Transfer{test_key(kAnn).address(), 1};
  ledger::sign_transaction(transaction, test_key(key));
  return transaction;
}

// Of funded accounts, ahead of their nonces: so they may wait, and cost their senders nothing.
std::vector<std::string> ahead_of_their_nonces() {
  std::vector<std::string> requests;
  for (std::uint8_t key = kFirstOfCrowd; key <= kLastOfCrowd; ++key) {
    requests.push_back(posted(with_length(ledger::encode_transaction(transfer_ahead(key)))));
  }
  return requests;
}

// Many in a body, each of which costs the check of a signature that does not hold.
std::vector<std::string> not_signed() {
  ledger::Transaction transaction = transfer_ahead(kFirstOfCrowd);
  std::string body;
  for (std::size_t i = 0; i < kUnsigned; ++i) {
    ++transaction.nonce;  // the signature is of another one
    body += with_length(ledger::encode_transaction(transaction));
  }
  return {posted(body)};
}

// Connections that each send one such request after another, as fast as they are answered.
class Crowd {
 public:
  Crowd(const std::string& url, std::size_t size, std::vector<std::string> requests) : requests_(std::move(requests)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::uint16_t port = 0;
    std::from_chars(url.data() + url.rfind(':') + 1, url.data() + url.size(), port);
    address.sin_port = htons(port);
    for (std::size_t i = 0; i < size; ++i) {
      const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
      if (descriptor < 0) break;
      if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ADD_FAILURE() << "connect";
      ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
      polled_.push_back({descriptor, POLLIN, 0});
      unsent_.emplace_back();
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Crowd() { leave(); }
  // Without reading the last answers.
  void leave() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    for (const pollfd& each : polled_) ::close(each.fd);
    polled_.clear();
  }
  std::size_t answered() const { return answered_; }

 private:
  void ask(std::size_t i) {
    unsent_[i] = requests_[i % requests_.size()];
    send(i);
  }
  void send(std::size_t i) {
    std::string_view& unsent = unsent_[i];
    const ssize_t sent = ::send(polled_[i].fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) unsent.remove_prefix(static_cast<std::size_t>(sent));
    polled_[i].events = unsent.empty() ? POLLIN : POLLIN | POLLOUT;
  }
  void run() {
    for (std::size_t i = 0; i < polled_.size(); ++i) ask(i);
    std::vector<char> answer(1 << 20);
    while (!stop_) {
      if (::poll(polled_.data(), polled_.size(), 20) <= 0) continue;
      for (std::size_t i = 0; i < polled_.size(); ++i) {
        if ((polled_[i].revents & POLLOUT) != 0) send(i);
        if ((polled_[i].revents & POLLIN) == 0) continue;
        if (::recv(polled_[i].fd, answer.data(), answer.size(), 0) <= 0) continue;
        ++answered_;
        // The rest of a long answer is an answer too.
        if (unsent_[i].empty()) ask(i);
      }
    }
  }
  std::vector<pollfd> polled_;
  const std::vector<std::string> requests_;
  std::vector<std::string_view> unsent_;  // by connection
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

milliseconds since(Clock::time_point begun) { return std::chrono::duration_cast<milliseconds>(Clock::now() - begun); }

// What the check of such a body takes here and now: sanitizers are slow, and so are machines with other work.
milliseconds time_of_a_body() {
  const base::Bytes bytes = ledger::encode_transaction(transfer_ahead(kFirstOfCrowd));
  const auto begun = Clock::now();
  for (std::size_t i = 0; i < kUnsigned; ++i) EXPECT_TRUE(ledger::read_transaction(bytes).ok());
  return since(begun);
}

// What others do while a crowd sends these, and each of their transactions is soon in a block.
void expect_nobody_waits(std::size_t size, const std::vector<std::string>& requests, std::size_t answers) {
  TemporaryFolder folder;
  TestGateway gateway(folder / "gateway", test_model().root);
  TestProvider pia(folder / "pia", gateway.url(), kCrowdProvider, test_model().folder);
  ASSERT_TRUE(gateway.wait_until_ready(kCrowdProvider));
  TestRequester ann(folder / "ann", gateway.url(), kAnn);
  Crowd crowd(gateway.url(), size, requests);
  std::this_thread::sleep_for(milliseconds(200));
  const milliseconds soon = std::max(kSoon, 4 * time_of_a_body());

  HttpClient http;
  const LedgerClient ledger(http, gateway.url());
  std::vector<milliseconds> times;
  for (int i = 0; i < 20; ++i) {
    const auto begun = Clock::now();
    ASSERT_TRUE(ledger.query(i % 2 == 0 ? "models" : "blocks/latest").ok());
    times.push_back(since(begun));
  }
  EXPECT_LT(*std::ranges::max_element(times), soon);
  const auto begun = Clock::now();
  ASSERT_TRUE(ann.account().send({ledger::bank::Transfer{test_key(kCrowdProvider).address(), 1}}).ok());
  EXPECT_LT(since(begun), soon);

  // The time that a part may take is short for a provider whose every word to the ledger waits.
  const Order asked = order_of({small_request()});
  const auto task = ann->submit(asked, {kCredit, 10'000, 30'000});
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, ledger::market::PartState::kPaid);
  EXPECT_EQ(gateway.provider(test_key(kCrowdProvider).address()).late, 0U);
  EXPECT_TRUE(gateway.wait_until([&] { return crowd.answered() >= answers; }));
  gateway.expect_conserved();
}

TEST(Flood, ACrowdThatWaitsForNoncesKeepsNobodyElseWaiting) {
  expect_nobody_waits(kCrowd, ahead_of_their_nonces(), kCrowd);
}

// Bodies are checked one after another: whoever stood behind the crowd would wait for dozens of them.
TEST(Flood, ACrowdThatSignsNothingKeepsNobodyElseWaiting) { expect_nobody_waits(kUnsignedCrowd, not_signed(), 1); }

// The connections are gone, and what they asked for still waits: it ends by itself, and so does a server that stops.
TEST(Flood, WhoGoesAwayLeavesNothing) {
  TemporaryFolder folder;
  const auto gateway = std::make_unique<TestGateway>(folder / "gateway", test_model().root);
  Crowd crowd(gateway->url(), kCrowd, ahead_of_their_nonces());
  std::this_thread::sleep_for(milliseconds(200));
  crowd.leave();
  const auto open = [&] { return gateway->metrics().gauge("starling_transactions_waiting", "").value(); };
  EXPECT_GT(open(), 0);
  EXPECT_TRUE(gateway->wait_until([&] { return open() == 0; }, milliseconds(10'000)));
  EXPECT_TRUE(gateway->wait_until(
      [&] { return gateway->metrics().gauge("starling_http_connections", "").value() == 0; }, milliseconds(10'000)));
  Crowd others(gateway->url(), kCrowd, ahead_of_their_nonces());
  std::this_thread::sleep_for(milliseconds(100));
  gateway->restart(milliseconds(0));
  EXPECT_TRUE(gateway->chain().submit({}).ok());
}

}  // namespace
}  // namespace starling::node
