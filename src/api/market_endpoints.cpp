#include "api/market_endpoints.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/state_queries.h"
#include "ledger/market/queries.h"

namespace starling::api {
namespace {

namespace market = ledger::market;
using consensus::Chain;
using consensus::ChainView;

base::Error no_task(std::uint64_t task) { return base::not_found("there is no task " + std::to_string(task)); }

base::Json list_json(const char* name, base::Json list) {
  base::Json json = base::Json::empty_object();
  json.set(name, std::move(list));
  return json;
}

base::Json part_json(std::uint64_t task, std::uint32_t index, const market::Part& part) {
  base::Json json = named_json("part", index, part);
  json.set("task", std::to_string(task));
  return json;
}

// Providers who could win something: their rates, lowest first.
base::Result<std::vector<std::uint64_t>> rates(const ChainView& view, const market::Parameters& parameters) {
  std::vector<std::uint64_t> rates;
  const std::uint64_t now = view.header().header.time;
  STARLING_TRY(market::each_provider(view, std::nullopt, [&](const base::Address&, const market::Provider& provider) {
    const bool staked = provider.stake >= parameters.minimum_stake;
    if (staked && provider.slots > 0 && provider.suspended_until <= now) rates.push_back(provider.rate);
    return rates.size() < 100'000;
  }));
  std::ranges::sort(rates);
  return rates;
}

base::Result<base::Json> market_query(const ChainView& view) {
  STARLING_ASSIGN(const market::Parameters parameters, market::parameters(view));
  STARLING_ASSIGN(const std::vector<std::uint64_t> sorted, rates(view, parameters));
  base::Json json = base::Json::empty_object();
  json.set("parameters", ledger::to_json(parameters));
  json.set("providers", std::to_string(sorted.size()));
  json.set("lowest_rate", sorted.empty() ? base::Json() : base::Json(std::to_string(sorted.front())));
  json.set("median_rate", sorted.empty() ? base::Json() : base::Json(std::to_string(sorted[sorted.size() / 2])));
  return json;
}

base::Result<base::Json> providers_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::size_t limit, list_limit(request));
  std::optional<base::Address> after;
  if (request.has_query("after")) {
    STARLING_ASSIGN(after, base::Address::from_text(request.query.at("after")));
  }
  base::Json list = base::Json::empty_array();
  STARLING_TRY(market::each_provider(view, after, [&](const base::Address& address, const market::Provider& provider) {
    if (list.elements().size() >= limit) return false;
    list.push(named_json("address", address.text(), provider));
    return true;
  }));
  return list_json("providers", std::move(list));
}

base::Result<base::Json> provider_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const base::Address address, request.parameter_address("address"));
  STARLING_ASSIGN(const std::optional<market::Provider> provider, market::provider(view, address));
  if (!provider) {
    return answer_absent(request, view, market::provider_key(address), "address", address.text(),
                         base::not_found(address.text() + " is no provider"));
  }
  base::Json json = named_json("address", address.text(), *provider);
  STARLING_TRY(add_proof(request, view, market::provider_key(address), json));
  return json;
}

base::Result<base::Json> provider_parts_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const base::Address address, request.parameter_address("address"));
  STARLING_ASSIGN(const std::vector<market::PartName> names, market::parts_of(view, address));
  base::Json list = base::Json::empty_array();
  for (const market::PartName& name : names) {
    if (list.elements().size() >= kMaxListed) break;
    STARLING_ASSIGN(const std::optional<market::Part> part, market::part(view, name.task, name.part));
    if (part) list.push(part_json(name.task, name.part, *part));
  }
  return list_json("parts", std::move(list));
}

base::Result<base::Json> tasks_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::size_t limit, list_limit(request));
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  STARLING_ASSIGN(const std::uint64_t after, request.query_u64("after", 0, kMost));
  STARLING_ASSIGN(const std::uint64_t before, request.query_u64("before", kMost, kMost));
  std::vector<std::uint64_t> numbers;
  if (request.has_query("requester")) {
    STARLING_ASSIGN(const base::Address requester, base::Address::from_text(request.query.at("requester")));
    STARLING_ASSIGN(numbers, request.has_query("before") ? market::latest_tasks_of(view, requester, before, limit)
                                                         : market::tasks_of(view, requester, after, limit));
  } else if (request.has_query("open")) {
    STARLING_ASSIGN(numbers, market::open_tasks(view, after, limit));
  } else {
    return base::invalid("tasks are listed by ?open=1 or ?requester=0x...");
  }
  base::Json list = base::Json::empty_array();
  for (const std::uint64_t number : numbers) {
    STARLING_ASSIGN(const std::optional<market::Task> task, market::task(view, number));
    if (task) list.push(named_json("task", std::to_string(number), *task));
  }
  return list_json("tasks", std::move(list));
}

base::Result<base::Json> task_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::uint64_t number, request.parameter_u64("task"));
  STARLING_ASSIGN(const std::optional<market::Task> task, market::task(view, number));
  if (!task) {
    return answer_absent(request, view, market::task_key(number), "task", std::to_string(number), no_task(number));
  }
  base::Json json = named_json("task", std::to_string(number), *task);
  STARLING_TRY(add_proof(request, view, market::task_key(number), json));
  return json;
}

base::Result<base::Json> parts_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::uint64_t number, request.parameter_u64("task"));
  STARLING_ASSIGN(const std::optional<market::Task> task, market::task(view, number));
  if (!task) return no_task(number);
  base::Json list = base::Json::empty_array();
  for (std::uint32_t index = 0; index < task->parts; ++index) {
    STARLING_ASSIGN(const std::optional<market::Part> part, market::part(view, number, index));
    if (part) list.push(part_json(number, index, *part));
  }
  return list_json("parts", std::move(list));
}

base::Result<base::Json> part_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::uint64_t number, request.parameter_u64("task"));
  STARLING_ASSIGN(const std::uint64_t index, request.parameter_u64("part"));
  if (index > std::numeric_limits<std::uint32_t>::max()) return base::not_found("no task has so many parts");
  const auto small = static_cast<std::uint32_t>(index);
  STARLING_ASSIGN(const std::optional<market::Part> part, market::part(view, number, small));
  if (!part) {
    return answer_absent(
        request, view, market::part_key(number, small), "part", std::to_string(index),
        base::not_found("there is no part " + std::to_string(index) + " of task " + std::to_string(number)));
  }
  base::Json json = part_json(number, small, *part);
  STARLING_TRY(add_proof(request, view, market::part_key(number, small), json));
  return json;
}

base::Result<base::Json> claim_query(const ChainView& view, const Request& request) {
  STARLING_ASSIGN(const std::uint64_t number, request.parameter_u64("task"));
  STARLING_ASSIGN(const base::Address address, request.parameter_address("address"));
  STARLING_ASSIGN(const std::optional<market::Claim> claim, market::claim(view, number, address));
  if (!claim) {
    return base::not_found(address.text() + " has no claim in an auction of task " + std::to_string(number));
  }
  base::Json json = named_json("address", address.text(), *claim);
  json.set("task", std::to_string(number));
  return json;
}

using Query = base::Result<base::Json> (*)(const ChainView&, const Request&);

struct QueryRow {
  const char* pattern;
  Query query;
  Runs runs;
};

constexpr QueryRow kQueries[] = {
    {"/v1/market", [](const ChainView& view, const Request&) { return market_query(view); }, Runs::kOnWorker},
    {"/v1/providers", &providers_query, Runs::kOnWorker},
    {"/v1/providers/{address}", &provider_query, Runs::kHere},
    {"/v1/providers/{address}/parts", &provider_parts_query, Runs::kOnWorker},
    {"/v1/tasks", &tasks_query, Runs::kOnWorker},
    {"/v1/tasks/{task}", &task_query, Runs::kHere},
    {"/v1/tasks/{task}/parts", &parts_query, Runs::kOnWorker},
    {"/v1/tasks/{task}/parts/{part}", &part_query, Runs::kHere},
    {"/v1/tasks/{task}/claims/{address}", &claim_query, Runs::kHere},
};

}  // namespace

std::vector<Route> market_routes(const Chain& chain) {
  std::vector<Route> routes;
  for (const QueryRow& row : kQueries) {
    Route route = get_route(row.pattern, [&chain, query = row.query](const Request& request) {
      return answer_query(chain, [&](const ChainView& view) { return query(view, request); });
    });
    route.runs = row.runs;
    routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace starling::api
