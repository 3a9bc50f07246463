#include "api/wallet_rpc.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "api/state_queries.h"
#include "consensus/header.h"
#include "ledger/amount.h"
#include "ledger/bank/queries.h"

namespace starling::api {
namespace {

using consensus::Chain;
using consensus::ChainView;
using consensus::Height;

constexpr base::JsonLimits kLimits = {kMaxRpcBytes, 8, std::size_t{4096}};

// Codes of JSON-RPC 2.0, and of EIP-1474.
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kNoMethod = -32601;
constexpr int kInvalidParameters = -32602;
constexpr int kInternal = -32603;
constexpr int kNotSupported = -32004;

// Wallets show amounts with 18 digits after the point, a credit has 9 (motes).
constexpr ledger::WideInteger kWeiPerMote = 1'000'000'000;

constexpr const char* kTypedDataOnly =
    "this chain takes no transactions of Ethereum: sign EIP-712 typed data and post it to /v1/transactions";

struct RpcError {
  int code;
  std::string message;
};
template <typename T>
struct Rpc {
  std::optional<T> value;
  RpcError error{};

  Rpc(T given) : value(std::move(given)) {}         // NOLINT(google-explicit-constructor)
  Rpc(RpcError given) : error(std::move(given)) {}  // NOLINT(google-explicit-constructor)
};
using Answered = Rpc<base::Json>;

struct Call {
  const Chain& chain;
  const ChainView& view;
  const std::vector<base::Json>& parameters;
};

// A quantity: hexadecimal without zeros in front.
std::string quantity(ledger::WideInteger value) {
  std::string digits;
  do {
    digits.push_back("0123456789abcdef"[static_cast<unsigned>(value & 15U)]);
    value >>= 4U;
  } while (value != 0);
  std::ranges::reverse(digits);
  return "0x" + digits;
}

const consensus::BlockHeader& head(const Call& call) { return call.view.header().header; }

RpcError wrong(const std::string& message) { return {kInvalidParameters, message}; }
RpcError failed(const base::Error& error) { return {kInternal, error.message}; }

// The height that a parameter names; the last one when there is no parameter.
Rpc<Height> block_number(const Call& call, std::size_t index) {
  const Height last = head(call).height;
  if (index >= call.parameters.size()) return last;
  const base::Result<std::string> text = call.parameters[index].as_text();
  if (!text.ok()) return wrong("a block is \"latest\" or a number in hexadecimal, such as \"0x1b4\"");
  for (const char* const name : {"latest", "pending", "safe", "finalized"}) {
    if (*text == name) return last;
  }
  if (*text == "earliest") return Height{0};
  Height height = 0;
  const bool hexadecimal = text->starts_with("0x") && text->size() > 2;
  const char* const end = text->data() + text->size();
  const auto read = hexadecimal ? std::from_chars(text->data() + 2, end, height, 16) : std::from_chars_result{};
  if (!hexadecimal || read.ec != std::errc() || read.ptr != end) {
    return wrong("a block is \"latest\" or a number in hexadecimal, such as \"0x1b4\"");
  }
  return height;
}

// The account that the first parameter names, as of the last block. The second may name that block or one of the last
// kRecent: wallets pin the number that they saw.
Rpc<ledger::bank::Account> account(const Call& call) {
  constexpr Height kRecent = 128;
  const base::Result<std::string> text =
      call.parameters.empty() ? base::invalid("no address") : call.parameters[0].as_text();
  const base::Result<base::Address> address = text.ok() ? base::Address::from_text(*text) : text.error();
  if (!address.ok()) return wrong("the first parameter is an address: 0x and 40 hexadecimal digits");
  const Rpc<Height> height = block_number(call, 1);
  if (!height.value) return height.error;
  if (*height.value > head(call).height || *height.value + kRecent < head(call).height) {
    return wrong("accounts are shown as of the last block: ask for \"latest\"");
  }
  const auto found = ledger::bank::account(call.view, *address);
  if (!found.ok()) return failed(found.error());
  return *found;
}

Answered chain_id(const Call& call) { return base::Json(quantity(head(call).chain_id)); }
Answered network_version(const Call& call) { return base::Json(std::to_string(head(call).chain_id)); }
Answered last_block(const Call& call) { return base::Json(quantity(head(call).height)); }
Answered nothing_due(const Call& /*call*/) { return base::Json("0x0"); }
Answered no(const Call& /*call*/) { return base::Json(false); }
Answered yes(const Call& /*call*/) { return base::Json(true); }
Answered no_accounts(const Call& /*call*/) { return base::Json::empty_array(); }
Answered no_code(const Call& /*call*/) { return base::Json("0x"); }
Answered client_version(const Call& /*call*/) { return base::Json("Starling"); }

Answered balance(const Call& call) {
  const Rpc<ledger::bank::Account> found = account(call);
  if (!found.value) return found.error;
  return base::Json(quantity(static_cast<ledger::WideInteger>(found.value->motes) * kWeiPerMote));
}

Answered nonce(const Call& call) {
  const Rpc<ledger::bank::Account> found = account(call);
  if (!found.value) return found.error;
  return base::Json(quantity(found.value->nonce));
}

// As Ethereum writes a block, with what this chain has of it; null when there is none of that number here.
Answered block(const Call& call) {
  const Rpc<Height> height = block_number(call, 0);
  if (!height.value) return height.error;
  const auto found = call.chain.block(*height.value);
  if (!found.ok()) return failed(found.error());
  if (!*found) return base::Json();
  const consensus::BlockHeader& header = (**found).header.header;
  const std::string zeros(64, '0');
  base::Json transactions = base::Json::empty_array();
  for (const ledger::Outcome& outcome : (**found).outcomes) transactions.push(hash_text(outcome.id));
  constexpr std::uint64_t kMilliseconds = 1000;
  base::Json json = base::Json::empty_object();
  json.set("number", quantity(header.height));
  json.set("hash", hash_text(consensus::header_hash(header)));
  json.set("parentHash", hash_text(header.previous));
  json.set("stateRoot", hash_text(header.state_root));
  json.set("transactionsRoot", hash_text(header.transactions_root));
  json.set("receiptsRoot", hash_text(header.outcomes_root));
  json.set("timestamp", quantity(header.time / kMilliseconds));
  json.set("transactions", std::move(transactions));
  json.set("uncles", base::Json::empty_array());
  json.set("sha3Uncles", "0x" + zeros);
  json.set("logsBloom", "0x" + std::string(512, '0'));
  json.set("miner", base::Address().text());
  json.set("nonce", "0x0000000000000000");
  json.set("mixHash", "0x" + zeros);
  json.set("extraData", "0x");
  for (const char* const name : {"difficulty", "totalDifficulty", "gasLimit", "gasUsed", "size"}) json.set(name, "0x0");
  return json;
}

Answered refused(const Call& /*call*/) { return RpcError{kNotSupported, kTypedDataOnly}; }

struct RpcMethod {
  std::string_view name;
  Answered (*answer)(const Call& call);
};
constexpr std::array kRpcMethods = {RpcMethod{"eth_chainId", chain_id},
                                    RpcMethod{"net_version", network_version},
                                    RpcMethod{"net_listening", yes},
                                    RpcMethod{"web3_clientVersion", client_version},
                                    RpcMethod{"eth_syncing", no},
                                    RpcMethod{"eth_accounts", no_accounts},
                                    RpcMethod{"eth_blockNumber", last_block},
                                    RpcMethod{"eth_getBlockByNumber", block},
                                    RpcMethod{"eth_getBalance", balance},
                                    RpcMethod{"eth_getTransactionCount", nonce},
                                    RpcMethod{"eth_getCode", no_code},
                                    RpcMethod{"eth_gasPrice", nothing_due},
                                    RpcMethod{"eth_sendRawTransaction", refused},
                                    RpcMethod{"eth_sendTransaction", refused},
                                    RpcMethod{"eth_estimateGas", refused},
                                    RpcMethod{"eth_call", refused}};

base::Json reply(const base::Json& id, const Answered& answered) {
  base::Json json = base::Json::empty_object();
  json.set("jsonrpc", "2.0");
  json.set("id", id);
  if (answered.value) {
    json.set("result", *answered.value);
    return json;
  }
  base::Json error = base::Json::empty_object();
  error.set("code", answered.error.code);
  error.set("message", answered.error.message);
  json.set("error", std::move(error));
  return json;
}

Answered answer_method(const Chain& chain, const ChainView& view, const base::Json& call) {
  const auto version = call.text("jsonrpc");
  const auto name = call.text("method");
  if (!version.ok() || *version != "2.0" || !name.ok()) {
    return RpcError{kInvalidRequest, "a call is {\"jsonrpc\": \"2.0\", \"id\", \"method\", \"params\"}"};
  }
  static const std::vector<base::Json> none;
  const std::vector<base::Json>* parameters = &none;
  if (call.find("params") != nullptr) {
    const auto given = call.array("params");
    if (!given.ok()) return wrong("\"params\" is a list");
    parameters = &(*given)->elements();
  }
  const auto* const method = std::ranges::find(kRpcMethods, *name, &RpcMethod::name);
  if (method == kRpcMethods.end()) {
    return RpcError{kNoMethod,
                    "there is no method \"" + name->substr(0, 64) + "\" here; docs/api.md lists those there are"};
  }
  return method->answer({chain, view, *parameters});
}

// Of a call without an id too, with null.
base::Json answer_call(const Chain& chain, const ChainView& view, const base::Json& call) {
  if (!call.is_object()) return reply({}, RpcError{kInvalidRequest, "a call is a JSON object"});
  const base::Json* const id = call.find("id");
  const bool named = id != nullptr && !id->is_object() && !id->is_array();
  return reply(named ? *id : base::Json(), answer_method(chain, view, call));
}

Response answer_body(const Chain& chain, const Request& request) {
  const base::Result<base::Json> json = base::Json::parse(request.body, "the body", kLimits);
  if (!json.ok()) return json_response(reply({}, RpcError{kParseError, json.error().message}));
  const auto view = chain.view();
  if (!view.ok()) return unavailable_or_error(view.error());
  if (!json->is_array()) return json_response(answer_call(chain, **view, *json));
  const std::vector<base::Json>& calls = json->elements();
  if (calls.empty() || calls.size() > kMaxRpcCalls) {
    return json_response(
        reply({}, RpcError{kInvalidRequest, "a batch has 1 to " + std::to_string(kMaxRpcCalls) + " calls"}));
  }
  base::Json answers = base::Json::empty_array();
  for (const base::Json& call : calls) answers.push(answer_call(chain, **view, call));
  return json_response(answers);
}

}  // namespace

Route wallet_rpc_route(const Chain& chain) {
  Route route;
  route.method = Method::kPost;
  route.pattern = "/v1/rpc";
  route.body_limit = kMaxRpcBytes;
  route.runs = Runs::kOnWorker;
  route.handler = [&chain](const Request& request) { return answer_body(chain, request); };
  return route;
}

}  // namespace starling::api
