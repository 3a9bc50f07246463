#include "api/event_endpoints.h"

#include <algorithm>
#include <optional>
#include <string>

#include "api/state_queries.h"
#include "ledger/execute.h"
#include "ledger/market/queries.h"
#include "ledger/transaction.h"

namespace starling::api {
namespace {

using consensus::Block;
using consensus::Chain;
using consensus::Height;

constexpr std::size_t kMostListed = 100;

// What is looked for.
struct Search {
  bool everything = false;
  std::string attribute;  // empty: any that has the value
  std::string value;
  std::optional<base::Address> sender;  // whose transactions count, whatever their events say
  std::uint64_t since = 0;              // nothing of it lies in blocks before this time
};

bool mentions(const Search& search, const ledger::Event& event) {
  return std::any_of(event.attributes.begin(), event.attributes.end(), [&](const ledger::Event::Attribute& attribute) {
    return attribute.value == search.value && (search.attribute.empty() || search.attribute == attribute.name);
  });
}

base::Json place_json(const Block& block) {
  base::Json json = base::Json::empty_object();
  json.set("height", std::to_string(block.header.header.height));
  json.set("time", std::to_string(block.header.header.time));
  return json;
}

base::Json events_json(const Search& search, const std::vector<ledger::Event>& events, bool all) {
  base::Json list = base::Json::empty_array();
  for (const ledger::Event& event : events) {
    if (!all && !mentions(search, event)) continue;
    base::Json entry = base::Json::empty_object();
    entry.set("event", event.name);
    for (const ledger::Event::Attribute& attribute : event.attributes) entry.set(attribute.name, attribute.value);
    list.push(std::move(entry));
  }
  return list;
}

// Adds what a block has of it, the latest first.
base::Status search_block(const Search& search, const Block& block, base::Json& found) {
  for (std::size_t i = block.transactions.size(); i-- > 0;) {
    const ledger::Outcome& outcome = block.outcomes[i];
    STARLING_ASSIGN(const ledger::Transaction transaction, ledger::decode_transaction(block.transactions[i]));
    const bool sent = search.everything || (search.sender.has_value() && transaction.from == *search.sender);
    base::Json events = events_json(search, outcome.events, sent);
    if (!sent && events.elements().empty()) continue;
    base::Json entry = place_json(block);
    entry.set("id", hash_text(outcome.id));
    entry.set("message", ledger::message_name(transaction.message));
    entry.set("from", transaction.from.text());
    entry.set("fee", std::to_string(outcome.fee));
    if (outcome.fault.has_value()) entry.set("fault", ledger::describe(*outcome.fault).name);
    entry.set("events", std::move(events));
    found.push(std::move(entry));
  }
  base::Json due = events_json(search, block.due, search.everything);
  if (!due.elements().empty()) {
    base::Json entry = place_json(block);
    entry.set("events", std::move(due));
    found.push(std::move(entry));
  }
  return {};
}

base::Result<Search> read_search(const Chain& chain, const Request& request) {
  Search search;
  if (request.has_query("account") && request.has_query("task")) {
    return base::invalid("say whose events, ?account=0x... or ?task=NUMBER, or neither for all");
  }
  search.everything = !request.has_query("account") && !request.has_query("task");
  if (search.everything) return search;
  if (request.has_query("account")) {
    STARLING_ASSIGN(search.sender, base::Address::from_text(request.query.at("account")));
    search.value = search.sender->text();
    return search;
  }
  STARLING_ASSIGN(const std::uint64_t number, request.query_u64("task", 0, ~std::uint64_t{0}));
  STARLING_ASSIGN(const auto view, chain.view());
  STARLING_ASSIGN(const auto task, ledger::market::task(*view, number));
  if (!task.has_value()) return base::not_found("there is no task " + std::to_string(number));
  search.attribute = "task";
  search.value = std::to_string(number);
  search.since = task->submitted;
  return search;
}

base::Result<base::Json> events(const Chain& chain, const SearchBounds& bounds, const Request& request) {
  STARLING_ASSIGN(const Search search, read_search(chain, request));
  STARLING_ASSIGN(const std::uint64_t limit, request.query_u64("limit", kMostListed, kMostListed));
  STARLING_ASSIGN(const std::uint64_t before, request.query_u64("before", chain.height() + 1, ~std::uint64_t{0}));
  base::Json found = base::Json::empty_array();
  Height height = std::min(before, chain.height() + 1);
  std::uint64_t blocks = 0;
  std::size_t bytes = 0;
  bool more = height > 1;
  while (more && blocks < bounds.blocks && bytes < bounds.bytes && found.elements().size() < limit) {
    --height;
    ++blocks;
    STARLING_ASSIGN(const std::optional<Block> block, chain.block(height));
    if (!block.has_value()) {  // older than the snapshot that this chain began with
      more = false;
      break;
    }
    for (const base::Bytes& transaction : block->transactions) bytes += transaction.size();
    STARLING_TRY(search_block(search, *block, found));
    more = height > 1 && block->header.header.time >= search.since;
  }
  base::Json json = base::Json::empty_object();
  json.set("entries", std::move(found));
  json.set("before", more ? base::Json(std::to_string(height)) : base::Json());
  return json;
}

}  // namespace

std::vector<Route> event_routes(const Chain& chain, const SearchBounds& bounds) {
  return {get_on_worker("/v1/events", [&chain, bounds](const Request& request) {
    const base::Result<base::Json> json = events(chain, bounds, request);
    return json.ok() ? json_response(*json) : error_response(json.error());
  })};
}

}  // namespace starling::api
