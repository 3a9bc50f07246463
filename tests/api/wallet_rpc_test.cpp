// What wallets ask of the chain, as JSON-RPC.
#include "api/wallet_rpc.h"

#include <array>
#include <cstdio>

#include "ledger_server.h"

namespace starling::api {
namespace {

class WalletRpc : public LedgerEndpoints {
 protected:
  Json ask(const std::string& body, int status = 200) {
    node::HttpRequest request;
    request.method = "POST";
    request.url = server_->url() + "/v1/rpc";
    request.body = body;
    const node::HttpReply reply = *client_.send(request);
    EXPECT_EQ(reply.status, status) << reply.body;
    return *Json::parse(reply.body, "the answer");
  }
  Json call(const std::string& method, const std::string& parameters = "[]") {
    return ask(R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":)" + parameters + "}");
  }
  std::string result(const std::string& method, const std::string& parameters = "[]") {
    const Json answer = call(method, parameters);
    EXPECT_EQ(*answer.integer("id"), 7);
    const auto text = answer.text("result");
    EXPECT_TRUE(text.ok()) << answer.to_text();
    return text.ok() ? *text : "";
  }
  static std::int64_t error(const Json& answer) { return *(*answer.object("error"))->integer("code"); }
};

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

TEST_F(WalletRpc, TellsWhichChainItIsAndWhatAnAccountHas) {
  const Json status = get("/v1/status");
  const std::uint64_t chain = std::stoull(*status.text("chain_id"));
  EXPECT_EQ(result("eth_chainId"), hexadecimal(chain));
  EXPECT_EQ(result("net_version"), std::to_string(chain));
  EXPECT_EQ(code(submit({transfer_bytes(0, 0, 77, 1'500'000'000)}).at(0)), 0);
  EXPECT_EQ(result("eth_blockNumber"), "0x1");
  const std::string to = consensus::test_key(77).address().text();
  // 1.5 credits, with the 18 digits that wallets show.
  EXPECT_EQ(result("eth_getBalance", "[\"" + to + "\",\"latest\"]"), hexadecimal(1'500'000'000'000'000'000));
  EXPECT_EQ(result("eth_getBalance", "[\"" + to + "\",\"0x1\"]"), hexadecimal(1'500'000'000'000'000'000));
  EXPECT_EQ(result("eth_getTransactionCount", "[\"" + consensus::test_key(0).address().text() + "\"]"), "0x1");
  const Json block = *call("eth_getBlockByNumber", R"(["latest",false])").find("result");
  EXPECT_EQ(*block.text("number"), "0x1");
  EXPECT_EQ(*block.text("hash"), *get("/v1/status").text("head"));
  EXPECT_EQ(block.find("transactions")->elements().size(), 1U);
  EXPECT_EQ(call("eth_getBlockByNumber", R"(["0x99",false])").find("result")->kind(), Json::Kind::kNull);
}

TEST_F(WalletRpc, MoreThanFitsIn64BitsIsShown) {
  // The genesis gives this account more than 18.4 credits, which are 2^64 of the units that wallets count in.
  const std::string address = consensus::test_key(0).address().text();
  const std::uint64_t motes = std::stoull(*get("/v1/accounts/" + address).text("motes"));
  ASSERT_GT(motes, 18'500'000'000U);
  const std::string shown = result("eth_getBalance", "[\"" + address + "\"]");
  ASSERT_GT(shown.size(), 18U);
  long double read = 0;
  for (const char digit : shown.substr(2)) read = read * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
  EXPECT_EQ(read, static_cast<long double>(motes) * 1e9L);
}

TEST_F(WalletRpc, WhatItCannotAnswerIsSaidInItsForm) {
  EXPECT_EQ(error(call("eth_mining")), -32601);
  EXPECT_EQ(error(call("eth_getBalance")), -32602);
  EXPECT_EQ(error(call("eth_getBalance", R"(["0x12"])")), -32602);
  EXPECT_EQ(error(call("eth_getBalance", "[\"" + consensus::test_key(1).address().text() + "\",\"0x9\"]")), -32602);
  for (const char* const block : {"[7]", "[\"\"]", "[\"0x\"]", "[\"0xfffffffffffffffff\"]", "[\"0x1g\"]"}) {
    EXPECT_EQ(error(call("eth_getBlockByNumber", block)), -32602) << block;
  }
  const Json refused = call("eth_sendRawTransaction", R"(["0x02"])");
  EXPECT_EQ(error(refused), -32004);
  EXPECT_NE((*refused.object("error"))->text("message")->find("EIP-712"), std::string::npos);
  EXPECT_EQ(error(ask("{")), -32700);
  EXPECT_EQ(error(ask("7")), -32600);
  EXPECT_EQ(error(ask("[]")), -32600);
  EXPECT_EQ(error(ask(R"({"id":1,"method":"eth_chainId"})")), -32600);
  EXPECT_EQ(error(call("eth_chainId", R"({"a":1})")), -32602);
  (void)ask(std::string(kMaxRpcBytes + 1, ' '), 413);
}

TEST_F(WalletRpc, BatchesAreAnsweredInTheirOrder) {
  const std::string one = R"({"jsonrpc":"2.0","id":"a","method":"eth_chainId"})";
  const Json answers = ask("[" + one + ",3," + one + "]");
  ASSERT_EQ(answers.elements().size(), 3U);
  EXPECT_EQ(*answers.elements()[0].text("id"), "a");
  EXPECT_EQ(error(answers.elements()[1]), -32600);
  std::string many = one;
  for (std::size_t i = 0; i < kMaxRpcCalls; ++i) many += "," + one;
  EXPECT_EQ(error(ask("[" + many + "]")), -32600);
}

}  // namespace
}  // namespace starling::api
