#include "node/ledger_client.h"

#include "ledger/json_fields.h"

namespace starling::node {

using ledger::json_u64;
using ledger::record_from_json;

namespace {

constexpr std::chrono::milliseconds kTime{30'000};
constexpr std::size_t kMostTasks = 1'000;
constexpr std::size_t kPage = 1'000;
constexpr std::size_t kMostProviders = 10'000;

base::Result<std::uint64_t> u64_member(const base::Json& json, const char* name) {
  const base::Json* const found = json.find(name);
  if (found == nullptr) return base::corrupt(std::string(name) + ": missing in what the gateway sent");
  return json_u64(*found);
}

base::Result<TaskEntry> task_entry(const base::Json& json) {
  TaskEntry entry;
  STARLING_ASSIGN(entry.number, u64_member(json, "task"));
  STARLING_ASSIGN(entry.task, record_from_json<ledger::market::Task>(json));
  return entry;
}

base::Result<PartEntry> part_entry(const base::Json& json) {
  PartEntry entry;
  STARLING_ASSIGN(entry.task, u64_member(json, "task"));
  STARLING_ASSIGN(const std::uint64_t index, u64_member(json, "part"));
  if (index >= ledger::market::kMaxParts) return base::corrupt("part: larger than any part's number");
  entry.index = static_cast<std::uint32_t>(index);
  STARLING_ASSIGN(entry.part, record_from_json<ledger::market::Part>(json));
  return entry;
}

base::Result<Receipted> receipted(const base::Json& json) {
  Receipted result;
  // A transaction that could not be read has neither id nor place.
  if (json.has("id")) {
    STARLING_ASSIGN(const std::string id, json.text("id"));
    STARLING_ASSIGN(result.id, base::Hash::from_hex(id));
  }
  if (json.has("height")) {
    STARLING_ASSIGN(result.height, u64_member(json, "height"));
  }
  STARLING_ASSIGN(const std::uint64_t code, u64_member(json, "code"));
  result.code = static_cast<std::uint32_t>(code);
  if (json.has("error")) {
    STARLING_ASSIGN(result.fault, json.text("error"));
  }
  if (json.has("message")) {
    STARLING_ASSIGN(result.message, json.text("message"));
  }
  if (json.has("fee")) {
    STARLING_ASSIGN(result.fee, u64_member(json, "fee"));
  }
  if (const base::Json* const events = json.find("events")) result.events = *events;
  return result;
}

void append_framed(std::string& body, const base::Bytes& bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (unsigned shift = 0; shift < 32; shift += 8) body.push_back(static_cast<char>(size >> shift & 0xFFU));
  body.append(bytes.begin(), bytes.end());
}

}  // namespace

LedgerClient::LedgerClient(HttpClient& http, std::string url, std::function<bool()> cancelled)
    : http_(http), url_(std::move(url)), cancelled_(std::move(cancelled)) {}

base::Result<base::Json> LedgerClient::get(const std::string& path, std::chrono::milliseconds time) const {
  HttpRequest request;
  request.url = url_ + path;
  request.time = time;
  request.cancelled = cancelled_;
  STARLING_ASSIGN(const HttpReply reply, http_.send(request));
  STARLING_TRY(reply_status(request.url, reply));
  return base::Json::parse(reply.body, request.url);
}

base::Result<base::Json> LedgerClient::get(const std::string& path) const { return get(path, kTime); }

base::Result<ChainStatus> LedgerClient::status() const {
  STARLING_ASSIGN(const base::Json json, get("/v1/status"));
  ChainStatus status;
  STARLING_ASSIGN(status.chain_id, u64_member(json, "chain_id"));
  STARLING_ASSIGN(status.height, u64_member(json, "height"));
  STARLING_ASSIGN(status.time, u64_member(json, "time"));
  STARLING_ASSIGN(status.fee_per_byte, u64_member(json, "fee_per_byte"));
  STARLING_ASSIGN(status.fee_per_work, u64_member(json, "fee_per_work"));
  return status;
}

base::Result<ChainTip> LedgerClient::wait(std::uint64_t after, std::chrono::milliseconds timeout) const {
  STARLING_ASSIGN(
      const base::Json json,
      get("/v1/wait?after=" + std::to_string(after) + "&timeout=" + std::to_string(timeout.count()), timeout + kTime));
  ChainTip tip;
  STARLING_ASSIGN(tip.height, u64_member(json, "height"));
  STARLING_ASSIGN(tip.time, u64_member(json, "time"));
  return tip;
}

base::Result<ledger::market::Parameters> LedgerClient::market() const {
  STARLING_ASSIGN(const base::Json json, get("/v1/market"));
  STARLING_ASSIGN(const base::Json* const parameters, json.object("parameters"));
  return record_from_json<ledger::market::Parameters>(*parameters);
}

base::Result<ledger::bank::Account> LedgerClient::account(const base::Address& address) const {
  STARLING_ASSIGN(const base::Json json, get("/v1/accounts/" + address.text()));
  return record_from_json<ledger::bank::Account>(json);
}

base::Result<ledger::models::Model> LedgerClient::model(const base::Hash& root) const {
  STARLING_ASSIGN(const base::Json json, get("/v1/models/" + root.hex()));
  return record_from_json<ledger::models::Model>(json);
}

base::Result<ledger::market::Provider> LedgerClient::provider(const base::Address& address) const {
  STARLING_ASSIGN(const base::Json json, get("/v1/providers/" + address.text()));
  return record_from_json<ledger::market::Provider>(json);
}

base::Result<std::vector<ProviderEntry>> LedgerClient::providers() const {
  std::vector<ProviderEntry> entries;
  while (entries.size() < kMostProviders) {
    const std::string after = entries.empty() ? "" : "&after=" + entries.back().address.text();
    STARLING_ASSIGN(const base::Json json, get("/v1/providers?limit=" + std::to_string(kPage) + after));
    STARLING_ASSIGN(const base::Json* const list, json.array("providers"));
    for (const base::Json& item : list->elements()) {
      ProviderEntry entry;
      STARLING_ASSIGN(const std::string address, item.text("address"));
      STARLING_ASSIGN(entry.address, base::Address::from_text(address));
      STARLING_ASSIGN(entry.provider, record_from_json<ledger::market::Provider>(item));
      entries.push_back(std::move(entry));
    }
    if (list->elements().size() < kPage) break;
  }
  return entries;
}

base::Result<std::vector<TaskEntry>> LedgerClient::tasks(const std::string& query, std::size_t limit) const {
  STARLING_ASSIGN(const base::Json json,
                  get("/v1/tasks?" + query + "&limit=" + std::to_string(std::min(limit, kMostTasks))));
  STARLING_ASSIGN(const base::Json* const list, json.array("tasks"));
  std::vector<TaskEntry> entries;
  for (const base::Json& item : list->elements()) {
    STARLING_ASSIGN(const TaskEntry entry, task_entry(item));
    entries.push_back(entry);
  }
  return entries;
}

base::Result<std::vector<TaskEntry>> LedgerClient::open_tasks(std::uint64_t after, std::size_t limit) const {
  return tasks("open=1&after=" + std::to_string(after), limit);
}

base::Result<std::vector<TaskEntry>> LedgerClient::latest_tasks_of(const base::Address& requester, std::uint64_t before,
                                                                   std::size_t limit) const {
  return tasks("requester=" + requester.text() + "&before=" + std::to_string(before), limit);
}

base::Result<TaskEntry> LedgerClient::task(std::uint64_t number) const {
  STARLING_ASSIGN(const base::Json json, get("/v1/tasks/" + std::to_string(number)));
  return task_entry(json);
}

base::Result<std::vector<PartEntry>> LedgerClient::part_list(const std::string& path) const {
  STARLING_ASSIGN(const base::Json json, get(path));
  STARLING_ASSIGN(const base::Json* const list, json.array("parts"));
  std::vector<PartEntry> entries;
  for (const base::Json& item : list->elements()) {
    STARLING_ASSIGN(const PartEntry entry, part_entry(item));
    entries.push_back(entry);
  }
  return entries;
}

base::Result<std::vector<PartEntry>> LedgerClient::parts(std::uint64_t task) const {
  return part_list("/v1/tasks/" + std::to_string(task) + "/parts");
}

base::Result<std::vector<PartEntry>> LedgerClient::parts_of(const base::Address& provider) const {
  return part_list("/v1/providers/" + provider.text() + "/parts");
}

base::Result<PartEntry> LedgerClient::part(std::uint64_t task, std::uint32_t index) const {
  STARLING_ASSIGN(const base::Json json, get("/v1/tasks/" + std::to_string(task) + "/parts/" + std::to_string(index)));
  return part_entry(json);
}

base::Result<base::Json> LedgerClient::proven_part(std::uint64_t task, std::uint32_t index) const {
  return get("/v1/tasks/" + std::to_string(task) + "/parts/" + std::to_string(index) + "?proof=1");
}

base::Result<std::vector<Receipted>> LedgerClient::submit(const std::vector<ledger::Transaction>& transactions,
                                                          bool wait_for_nonce) const {
  HttpRequest request;
  request.method = "POST";
  request.url = url_ + "/v1/transactions" + (wait_for_nonce ? "" : "?wait=0");
  request.headers = {{"Content-Type", "application/octet-stream"}};
  for (const ledger::Transaction& transaction : transactions) {
    append_framed(request.body, ledger::encode_transaction(transaction));
  }
  request.time = kTime;
  request.cancelled = cancelled_;
  STARLING_ASSIGN(const HttpReply reply, http_.send(request));
  STARLING_TRY(reply_status(request.url, reply));
  STARLING_ASSIGN(const base::Json json, base::Json::parse(reply.body, request.url));
  STARLING_ASSIGN(const base::Json* const list, json.array("results"));
  if (list->elements().size() != transactions.size()) {
    return base::corrupt(request.url + " answered for " + std::to_string(list->elements().size()) +
                         " transactions of " + std::to_string(transactions.size()));
  }
  std::vector<Receipted> results;
  for (const base::Json& item : list->elements()) {
    STARLING_ASSIGN(Receipted result, receipted(item));
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace starling::node
