// A whole network as a person meets it: started, used, cancelled, killed, moved.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/process.h"
#include "cli/command.h"
#include "program.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

// A network with one provider for each test.
class NetworkTest : public ProgramTest {
 protected:
  NetworkTest() { begin(); }
  ~NetworkTest() override { end(); }

  void begin() {
    auto started = base::ChildProcess::start({STARLING_PROGRAM, "devnet", "--providers", "1", "--threads", "1",
                                              "--home", home().string(), "--model", model().string(), "--json"},
                                             {.log = at("devnet.log")});
    ASSERT_TRUE(started.ok()) << started.error().message;
    devnet_ = std::make_unique<base::ChildProcess>(*std::move(started));
    const auto line = devnet_->read_line(std::chrono::seconds(60));
    ASSERT_TRUE(line.ok()) << line.error().message << *base::read_text_file(at("devnet.log"), 1 << 20);
    ready_ = *base::Json::parse(*line, "the devnet");
    url_ = *ready_.text("url");
  }
  int end() {
    if (!devnet_) return -1;
    devnet_->ask_to_stop();
    const int code = devnet_->wait(std::chrono::seconds(20));
    devnet_.reset();
    return code;
  }

  fs::path home() const { return at("net"); }
  const std::string& url() const { return url_; }
  const base::Json& ready() const { return ready_; }

  Ran ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--network", url_, "--json"});
    return run(std::move(arguments));
  }
  // The smallest video, made by the provider.
  Ran order(const std::string& output, const std::vector<std::string>& more = {"--yes"}) const {
    std::vector<std::string> arguments = small(output);
    arguments.insert(arguments.end(), {"--network", url_});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments));
  }
  std::uint64_t balance() const {
    const Ran ran = ask({"wallet", "balance"});
    EXPECT_EQ(ran.code, kFine) << ran.err;
    return std::stoull(*ran.json().text("motes"));
  }
  // Asks until the answer suits, for ten seconds.
  bool until(const std::function<bool()>& suits) const {
    for (int i = 0; i < 200; ++i) {
      if (suits()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  std::string part_state(std::uint64_t task, std::size_t part = 0) const {
    const Ran ran = ask({"job", "show", std::to_string(task)});
    EXPECT_EQ(ran.code, kFine) << ran.err;
    return *(*ran.json().array("parts"))->elements()[part].text("state");
  }

 private:
  std::unique_ptr<base::ChildProcess> devnet_;
  base::Json ready_;
  std::string url_;
};

TEST_F(NetworkTest, AProviderMakesTheSameVideoForItsPrice) {
  constexpr std::uint64_t kCredits = 1'000'000'000'000;
  EXPECT_EQ(balance(), kCredits);
  // Whoever is told that the network is ready can order, and is told how long it takes.
  const Ran idle = ask({"provider", "status"});
  const base::Json newcomer = (*idle.json().array("providers"))->elements().at(0);
  EXPECT_NE(*newcomer.text("stake"), "0");
  EXPECT_NE(*newcomer.text("measured_at"), "0");
  const Ran made = order("there.mp4");
  ASSERT_EQ(made.code, kFine) << made.err;
  const base::Json json = made.json();
  const Ran here = run(small("here.mp4"));
  ASSERT_EQ(here.code, kFine) << here.err;
  for (const char* root : {"model_root", "program_root", "output_root", "trace_root"}) {
    EXPECT_EQ(*json.text(root), *here.json().text(root)) << root;
  }
  EXPECT_EQ(*base::read_file(at("there.mp4"), 1 << 20), *base::read_file(at("here.mp4"), 1 << 20));
  EXPECT_EQ(*base::read_file(at("there.trace"), 1 << 24), *base::read_file(at("here.trace"), 1 << 24));
  EXPECT_EQ(*json.text("executor"), *(*ready().array("nodes"))->elements()[1].text("address"));
  const std::string receipt = at("there.receipt.json").string();
  const Ran checked =
      run({"verify", receipt, "--video", at("there.mp4").string(), "--model", model().string(), "--json"});
  EXPECT_EQ(checked.code, kFine) << checked.out;
  // A byte of the file that shows in no frame is found, as in what was made here; and the receipt is this video's.
  for (const std::string name : {"there", "here"}) {
    EXPECT_EQ(run(small(name + ".gif")).code, kFailed) << name;
    base::Bytes bytes = *base::read_file(at(name + ".mp4"), 1 << 20);
    const std::string handler = "VideoHandler";
    const auto found = std::search(bytes.begin(), bytes.end(), handler.begin(), handler.end());
    ASSERT_NE(found, bytes.end());
    *found = 'v';
    ASSERT_TRUE(base::write_file(at("changed.mp4"), bytes).ok());
    const Ran changed = run({"verify", at(name + ".receipt.json").string(), "--video", at("changed.mp4").string(),
                             "--model", model().string(), "--json"});
    EXPECT_EQ(changed.code, kCheckFailed) << name << changed.out;
  }

  // It is paid when the challenge window closes; what it costs is the price and the fee.
  const std::uint64_t price = std::stoull(*json.text("price"));
  EXPECT_GT(price, 0U);
  EXPECT_TRUE(until([&] { return part_state(1) == "paid"; }));
  EXPECT_LT(balance(), kCredits - price);
  EXPECT_GT(balance(), kCredits - price - 10'000);
  const Ran provider = ask({"provider", "status"});
  const base::Json record = (*provider.json().array("providers"))->elements().at(0);
  EXPECT_EQ(*record.text("done"), "1");
  EXPECT_FALSE(record.has("benchmark_right"));
  const Ran measured = ask({"provider", "status", "--check"});
  EXPECT_EQ(measured.code, kFine) << measured.err;
  EXPECT_NE(measured.out.find("\"benchmark_right\":true"), std::string::npos) << measured.out;
  EXPECT_EQ(std::stoull(*record.text("earned")), price - price * 250 / 10'000);
  const Ran logs = ask({"job", "logs", "1"});
  EXPECT_NE(logs.out.find("market.revealed"), std::string::npos);
  const Ran history = ask({"wallet", "history"});
  EXPECT_NE(history.out.find("market.paid"), std::string::npos);
}

TEST_F(NetworkTest, AHeaderAloneShowsThatAReceiptWasAccepted) {
  const Ran made = order("a.mp4");
  ASSERT_EQ(made.code, kFine) << made.err;
  const base::Json acceptance =
      *base::Json::parse(*base::read_text_file(at("a.acceptance.json"), 1 << 20), "the acceptance");
  const std::string height = *(*(*acceptance.object("header"))->object("header"))->text("height");
  const auto header_of = [&](const std::string& which) {
    const Ran ran = ask({"ledger", "block", which, "--header"});
    EXPECT_EQ(ran.code, kFine) << ran.err;
    EXPECT_TRUE(base::write_file(at(which + ".json"), base::as_bytes(ran.json().to_text())).ok());
    return at(which + ".json").string();
  };
  const std::string receipt = at("a.receipt.json").string();
  const std::string header = header_of(height);
  const Ran fine = run({"verify", receipt, "--header", header, "--json"});
  EXPECT_EQ(fine.code, kFine) << fine.out << fine.err;
  EXPECT_EQ(*fine.json().integer("checked_calls"), 0);
  EXPECT_EQ(std::to_string(*(*fine.json().object("accepted"))->integer("task")), "1");
  const std::string orderer = *(*ready().array("nodes"))->elements()[0].text("address");
  EXPECT_EQ(run({"verify", receipt, "--header", header, "--orderer", orderer, "--json"}).code, kFine);
  const std::string stranger = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  EXPECT_EQ(run({"verify", receipt, "--header", header, "--orderer", stranger, "--json"}).code, kCheckFailed);
  EXPECT_EQ(run({"verify", receipt, "--header", header_of("1"), "--json"}).code, kCheckFailed);
  // Another video's receipt has no business with it.
  ASSERT_EQ(order("b.mp4", {"--yes", "--steps", "3"}).code, kFailed);  // given twice
  fs::copy_file(at("a.acceptance.json"), at("c.acceptance.json"));
  ASSERT_EQ(run(small("c.mp4")).code, kFine);
  EXPECT_FALSE(fs::exists(at("c.acceptance.json")));
  EXPECT_EQ(run({"verify", at("c.receipt.json").string(), "--header", header, "--json"}).code, kFailed);
}

TEST_F(NetworkTest, ABatchIsOrderedOnceAndFetchedLater) {
  const Ran submitted =
      ask({"job", "submit", "a red ball bounces", "--count", "3", "--model", model().string(), "--size", "32x16",
           "--frames", "5", "--steps", "2", "--seed", "4", "--yes", "--time-limit", "90"});
  ASSERT_EQ(submitted.code, kFine) << submitted.err;
  EXPECT_EQ(*submitted.json().integer("task"), 1);
  EXPECT_EQ(*submitted.json().integer("videos"), 3);
  EXPECT_EQ(*submitted.json().number("time_limit"), 90.0);
  const Ran shown = ask({"job", "show", "1"});
  EXPECT_EQ(*shown.json().text("time_limit"), "90000");
  const Ran one = ask({"job", "wait", "1", "-o", at("x.mp4").string(), "--model", model().string()});
  EXPECT_EQ(one.code, kFailed);  // three videos and one name
  const Ran fetched = ask({"job", "wait", "1", "-o", at("videos/").string(), "--model", model().string()});
  ASSERT_EQ(fetched.code, kFine) << fetched.err;
  EXPECT_EQ((*fetched.json().array("videos"))->elements().size(), 3U);
  for (const char* name : {"000", "001", "002"}) {
    const Ran checked =
        run({"verify", (at("videos") / (std::string(name) + ".receipt.json")).string(), "--video",
             (at("videos") / (std::string(name) + ".mp4")).string(), "--model", model().string(), "--json"});
    EXPECT_EQ(checked.code, kFine) << checked.out << checked.err;
  }
  const std::vector<std::string> again = {"job",    "submit", "a ball",   "--model", model().string(),
                                          "--size", "32x16",  "--frames", "5",       "--steps",
                                          "2",      "--yes"};
  ASSERT_EQ(ask(again).code, kFine);
  ASSERT_EQ(ask(again).code, kFine);
  const Ran list = ask({"job", "list", "--limit", "2"});
  const base::Json json = list.json();
  const auto& tasks = (*json.array("tasks"))->elements();
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(*tasks[0].integer("task"), 3) << "the latest first";
  EXPECT_EQ(*tasks[1].integer("task"), 2);
  EXPECT_EQ((*ask({"job", "list"}).json().array("tasks"))->elements().size(), 3U);
}

TEST_F(NetworkTest, WhatIsCancelledIsRefundedButForWhatWasDone) {
  const std::uint64_t before = balance();
  const Ran submitted = ask({"job", "submit", "a red ball bounces", "--count", "30", "--model", model().string(),
                             "--size", "64x64", "--frames", "9", "--steps", "400", "--yes"});
  ASSERT_EQ(submitted.code, kFine) << submitted.err;
  const std::uint64_t most = std::stoull(*submitted.json().text("max_price"));
  ASSERT_TRUE(until([&] { return part_state(1) == "held"; }));
  EXPECT_LE(balance(), before - 30 * most);
  ASSERT_EQ(ask({"job", "cancel", "1"}).code, kFine);
  EXPECT_EQ(part_state(1, 29), "refunded");
  const auto settled = [&] {
    const Ran list = ask({"job", "list"});
    return *(*list.json().array("tasks"))->elements().at(0).integer("unfinished") == 0;
  };
  EXPECT_TRUE(until(settled));
  EXPECT_GT(balance(), before - 3 * most);
  // What would be refused for sure costs no fee.
  const std::uint64_t after = balance();
  const Ran again = ask({"job", "cancel", "1"});
  EXPECT_EQ(again.code, kFailed);
  EXPECT_NE(again.err.find("cancelled already"), std::string::npos) << again.err;
  EXPECT_EQ(ask({"job", "cancel", "77"}).code, kFailed);
  EXPECT_EQ(balance(), after);
}

TEST_F(NetworkTest, NothingIsOrderedWithoutAYes) {
  const std::uint64_t before = balance();
  const Ran unasked = order("a.mp4", {});
  EXPECT_EQ(unasked.code, kFailed);
  EXPECT_NE(unasked.err.find("--yes"), std::string::npos) << unasked.err;
  EXPECT_EQ(order("a.mp4", {"--yes", "--max-price", "0.000000001"}).code, kFailed);
  EXPECT_EQ(order("a.mp4", {"--yes", "--max-price", "much"}).code, kFailed);
  EXPECT_EQ(order("nowhere/a.mp4").code, kFailed);
  for (const char* limit : {"0", "-5", "604801", "soon"}) {
    EXPECT_EQ(order("a.mp4", {"--yes", "--time-limit", limit}).code, kFailed) << limit;
  }
  std::vector<std::string> alone = small("a.mp4");
  alone.insert(alone.end(), {"--time-limit", "60"});
  EXPECT_EQ(run(alone).code, kFailed) << "nobody else makes it";
  EXPECT_EQ(balance(), before);
  EXPECT_EQ(left(), (std::vector<std::string>{"devnet.log", "net"}));
  EXPECT_EQ(run({"wallet", "balance", "--network", "http://127.0.0.1:1"}).code, kFailed);
  EXPECT_EQ(run({"wallet", "balance", "--network", "ftp://x"}).code, kFailed);
  EXPECT_EQ(run({"wallet", "balance"}).code, kFailed);
}

TEST_F(NetworkTest, CreditsAreSentOnce) {
  const std::string to = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  ASSERT_EQ(ask({"wallet", "send", to, "1.25"}).code, kFine);
  EXPECT_EQ(*ask({"wallet", "balance", to}).json().text("motes"), "1250000000");
  const std::uint64_t left_over = balance();
  for (const char* amount : {"0", "-1", "1e3", "1.0000000001", "99999999999", "", "1.", ".5", "1000000"}) {
    EXPECT_EQ(ask({"wallet", "send", to, amount}).code, kFailed) << amount;
  }
  EXPECT_EQ(*ask({"wallet", "balance", to}).json().text("motes"), "1250000000");
  EXPECT_EQ(balance(), left_over) << "a fee was paid for what was refused";
  const Ran query = ask({"ledger", "query", "accounts/" + to, "--proof"});
  EXPECT_TRUE(query.json().object("proof").ok()) << query.out;
  EXPECT_TRUE(*ask({"ledger", "query", "supply"}).json().find("conserved")->as_boolean());
  EXPECT_EQ(ask({"ledger", "query", "no/such/thing"}).code, kFailed);
  EXPECT_EQ(ask({"ledger", "tx", "12"}).code, kFailed);
}

TEST_F(NetworkTest, WhatIsAskedForAndNotThereIsSaid) {
  const Ran latest = ask({"ledger", "block", "latest", "--header"});
  ASSERT_EQ(latest.code, kFine) << latest.err;
  EXPECT_TRUE(latest.json().text("signature").ok());
  const std::string stranger = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  for (const std::string format : {"--json", ""}) {
    std::vector<std::string> arguments{"provider", "status", stranger, "--network", url()};
    if (!format.empty()) arguments.push_back(format);
    const Ran status = run(arguments);
    EXPECT_EQ(status.code, kFailed);
    EXPECT_NE(status.err.find(stranger + " is not registered"), std::string::npos) << status.err;
  }
  const std::string provider = *(*ready().array("nodes"))->elements()[1].text("address");
  EXPECT_EQ(run({"provider", "status", provider, "--network", url()}).code, kFine);
  const Ran away = run({"wallet", "balance", "--network", "http://127.0.0.1:1"});
  EXPECT_NE(away.err.find("nothing answers at http://127.0.0.1:1: see that the node runs"), std::string::npos)
      << away.err;
}

TEST_F(NetworkTest, ItGoesOnWhereItWasKilledAndStopsCleanly) {
  ASSERT_EQ(order("a.mp4").code, kFine);
  ASSERT_TRUE(until([&] { return part_state(1) == "paid"; }));
  const std::uint64_t before = balance();
  EXPECT_EQ(end(), kFine);
  begin();
  EXPECT_EQ(balance(), before);
  ASSERT_EQ(order("b.mp4").code, kFine);
  ASSERT_TRUE(until([&] { return part_state(2) == "paid"; }));
  EXPECT_EQ(end(), kFine);

  // The state in one file begins another chain.
  const std::string validator = (home() / "validator").string();
  const Ran exported = run({"ledger", "export", at("state").string(), "--home", validator, "--json"});
  ASSERT_EQ(exported.code, kFine) << exported.err;
  ASSERT_TRUE(base::write_file(at("header.json"), base::as_bytes(exported.json().to_text())).ok());
  const Ran imported = run({"ledger", "import", at("state").string(), "--home", at("other").string(), "--header",
                            at("header.json").string(), "--json"});
  ASSERT_EQ(imported.code, kFine) << imported.err;
  const Ran again = run({"ledger", "export", at("state2").string(), "--home", at("other").string(), "--json"});
  ASSERT_EQ(again.code, kFine) << again.err;
  EXPECT_EQ(again.json().to_text(), exported.json().to_text());
  EXPECT_EQ(*base::read_file(at("state"), 1 << 26), *base::read_file(at("state2"), 1 << 26));
}

}  // namespace
}  // namespace starling::cli
