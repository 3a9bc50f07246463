// What a node may be, and a network of nodes that are several things each.
#include <gtest/gtest.h>

#include <thread>

#include "base/file.h"
#include "base/process.h"
#include "cli/command.h"
#include "cli/node_roles.h"
#include "node/blob_exchange.h"
#include "node/http_client.h"
#include "node/key_store.h"
#include "program.h"
#include "store/blob_manifest.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

TEST(Roles, AnyOfThemGoTogether) {
  for (const char* text : {"validator", "gateway", "provider", "validator,gateway", "validator,provider",
                           "gateway,provider", "validator,gateway,provider"}) {
    const auto roles = read_roles(text);
    ASSERT_TRUE(roles.ok()) << text;
    EXPECT_EQ(roles->names(), split_list(text));
  }
  EXPECT_EQ(read_roles("provider,gateway,validator")->names(), split_list("validator,gateway,provider"));
  EXPECT_TRUE(read_roles("gateway,provider")->follows());
  EXPECT_FALSE(read_roles("gateway,validator")->follows());
  for (const char* text : {"", ",", "miner", "validator,", "Gateway", "gateway provider"}) {
    const auto roles = read_roles(text);
    EXPECT_EQ(roles.ok(), std::string(text) == "validator,") << text;
  }
}

TEST(Roles, OptionsWithoutAUseAreNamed) {
  const auto message = [](const char* roles, const RoleOptions& given) {
    const base::Status status = check_role_options(*read_roles(roles), given);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_EQ(message("gateway", {.ledger = true, .genesis = true, .orderer = true}), "");
  EXPECT_EQ(message("provider", {.ledger = true}), "");
  EXPECT_EQ(message("validator,provider", {.genesis = true}), "");
  EXPECT_NE(message("validator,gateway", {.ledger = true}).find("--ledger"), std::string::npos);
  EXPECT_NE(message("provider", {.genesis = true}).find("--genesis"), std::string::npos);
  EXPECT_NE(message("validator,gateway", {.orderer = true}).find("--orderer"), std::string::npos);
}

// A validator that is a gateway, a gateway that follows it, and a provider that is a gateway behind that one.
class RolesTest : public ProgramTest {
 protected:
  ~RolesTest() override {
    for (auto at = nodes_.rbegin(); at != nodes_.rend(); ++at) {
      (*at)->ask_to_stop();
      (*at)->wait(std::chrono::seconds(20));
    }
  }
  base::Json begin(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), STARLING_PROGRAM);
    arguments.insert(arguments.end(), {"--home", at(name).string(), "--model", model().string(), "--json"});
    auto started = base::ChildProcess::start(arguments, {.log = at(name + ".log")});
    EXPECT_TRUE(started.ok()) << started.error().message;
    nodes_.push_back(std::make_unique<base::ChildProcess>(*std::move(started)));
    const auto line = nodes_.back()->read_line(std::chrono::seconds(60));
    EXPECT_TRUE(line.ok()) << *base::read_text_file(at(name + ".log"), 1 << 20);
    return line.ok() ? *base::Json::parse(*line, name) : base::Json();
  }
  // Of those that begin() started.
  void end(std::size_t number) {
    nodes_[number]->ask_to_stop();
    EXPECT_EQ(nodes_[number]->wait(std::chrono::seconds(20)), 0);
  }

 private:
  std::vector<std::unique_ptr<base::ChildProcess>> nodes_;
};

TEST_F(RolesTest, AVideoIsOrderedThroughOneGatewayAndMadeBehindAnother) {
  const std::string root = *begin("net", {"devnet", "--providers", "0"}).text("url");
  const std::string near =
      *begin("near", {"node", "--role", "gateway", "--ledger", root, "--listen", "127.0.0.1:0"}).text("url");
  const auto key = node::default_key({at("far"), std::nullopt});
  ASSERT_TRUE(key.ok()) << key.error().message;
  const std::string maker = key->address().text();
  const auto ask = [](const std::string& url, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--network", url, "--json"});
    return run(std::move(arguments));
  };
  // What is sent through one is read through the others.
  ASSERT_EQ(ask(near, {"wallet", "send", maker, "50"}).code, kFine);
  const std::string far = *begin("far", {"node", "--role", "provider,gateway", "--network", near, "--listen",
                                         "127.0.0.1:0", "--threads", "1", "--stake", "2"})
                               .text("url");
  EXPECT_NE(*ask(far, {"wallet", "balance", maker}).json().text("motes"), "0");
  bool ready = false;
  for (int i = 0; i < 200 && !ready; ++i) {
    const Ran status = ask(root, {"provider", "status"});
    const base::Json list = **status.json().array("providers");
    ready = !list.elements().empty() && *list.elements()[0].text("measured_at") != "0";
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(ready);
  // Inputs go through the gateways to the first one, and from there to where they are looked for.
  for (const std::string& url : {root, near, far}) {
    std::vector<std::string> order = small(url.substr(url.rfind(':') + 1) + ".mp4");
    order.insert(order.end(), {"--network", url, "--yes"});
    // The pixels of what a video goes on from go the same way.
    if (url != root) order.insert(order.end(), {"--image", at(root.substr(root.rfind(':') + 1) + ".mp4").string()});
    const Ran video = run(order);
    ASSERT_EQ(video.code, kFine) << video.err;
    EXPECT_EQ(*video.json().text("executor"), maker);
  }
  // All of them prove the same against the same header.
  const std::string height = *ask(near, {"ledger", "query", "status"}).json().text("height");
  EXPECT_EQ(ask(near, {"ledger", "block", height, "--header"}).out,
            ask(root, {"ledger", "block", height, "--header"}).out);
  EXPECT_EQ(*ask(near, {"ledger", "query", "status"}).json().text("follows"), root);
}

TEST_F(RolesTest, AGatewaySaysThatTheNodeItFollowsIsAway) {
  const std::string root = *begin("net", {"devnet", "--providers", "0"}).text("url");
  const std::string near =
      *begin("near", {"node", "--role", "gateway", "--ledger", root, "--listen", "127.0.0.1:0"}).text("url");
  end(0);
  node::HttpClient http;
  node::HttpRequest request;
  request.method = "PUT";
  request.body = "what a task begins from";
  request.url = node::blob_url(near, store::BlobManifest::of_piece(base::as_bytes(request.body)).name());
  const auto put = http.send(request);
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_EQ(put->status, 503) << put->body;
  EXPECT_NE(put->body.find("UNAVAILABLE"), std::string::npos) << put->body;
  EXPECT_NE(put->body.find(root), std::string::npos) << put->body;
  EXPECT_FALSE(put->header("retry-after").empty());
  EXPECT_EQ(http.get(near + "/v1/status")->status, 200);
}

TEST_F(RolesTest, WhatCannotBeIsRefusedInOneSentence) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& word) {
    arguments.insert(arguments.begin(), {"node", "--home", at("x").string(), "--listen", "127.0.0.1:0"});
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_NE(ran.err.find(word), std::string::npos) << ran.err;
  };
  refused({"--role", "gateway"}, "--ledger URL");
  refused({"--role", "provider"}, "--ledger URL");
  refused({"--role", "validator", "--ledger", "http://127.0.0.1:1"}, "--ledger");
  refused({"--role", "provider", "--ledger", "http://127.0.0.1:1", "--genesis", "x"}, "--genesis");
  refused({"--role", "gateway", "--ledger", "http://127.0.0.1:1", "--model", model().string()}, "http://127.0.0.1:1");
  refused({"--role", "provider", "--ledger", "http://127.0.0.1:1", "--model", model().string(), "--workers", "3",
           "--threads", "2"},
          "--threads");
  const std::string validator = *begin("v", {"devnet", "--providers", "0"}).text("url");
  refused({"--role", "gateway", "--ledger", validator, "--orderer", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
           "--model", model().string()},
          "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
  // Nobody orders a chain that is another's by leaving the role out.
  begin("copy", {"node", "--role", "gateway", "--ledger", validator, "--listen", "127.0.0.1:0"});
  const Ran forked = run({"node", "--home", at("copy").string(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(forked.code, kFailed);
  EXPECT_NE(forked.err.find("--role gateway --ledger " + validator), std::string::npos) << forked.err;
}

}  // namespace
}  // namespace starling::cli
