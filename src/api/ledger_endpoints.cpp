#include "api/ledger_endpoints.h"

#include <utility>

#include "api/state_queries.h"
#include "api/submission.h"
#include "ledger/bank/queries.h"
#include "ledger/chain.h"
#include "ledger/models/queries.h"

namespace starling::api {
namespace {

using consensus::Chain;
using consensus::ChainView;
using consensus::Height;

struct SubmitMetrics {
  explicit SubmitMetrics(base::Metrics& metrics)
      : done(metrics.counter(kName, kHelp, {{"result", "done"}})),
        failed(metrics.counter(kName, kHelp, {{"result", "failed"}})),
        refused(metrics.counter(kName, kHelp, {{"result", "refused"}})),
        malformed(metrics.counter(kName, kHelp, {{"result", "malformed"}})),
        waiting(metrics.gauge("starling_transactions_waiting", "Transactions that are being ordered.")) {}

  void count(const consensus::Submitted& submitted) {
    base::Counter& counter = submitted.height == 0 ? refused : submitted.outcome.fault.has_value() ? failed : done;
    counter.add();
  }

  static constexpr const char* kName = "starling_transactions_total";
  static constexpr const char* kHelp =
      "Transactions that came: done, failed (in a block, with a fault), refused, or malformed.";
  base::Counter& done;
  base::Counter& failed;
  base::Counter& refused;
  base::Counter& malformed;
  base::Gauge& waiting;
};

// For each transaction of a request why it is none, or nothing.
using Malformed = std::vector<std::optional<base::Error>>;

Response outcome(const consensus::OrderResult& submitted, const Malformed& malformed, SubmitMetrics* metrics) {
  if (!submitted.ok()) {
    if (submitted.error().code != base::ErrorCode::kLimit) return unavailable_or_error(submitted.error());
    return busy_response("BUSY", submitted.error().message);
  }
  // One after another, so that a large batch is never held as JSON values and as text.
  std::string text = "{\"results\":[";
  auto next = submitted->begin();
  for (const std::optional<base::Error>& error : malformed) {
    if (text.back() != '[') text += ",\n";
    if (error.has_value()) {
      if (metrics != nullptr) metrics->malformed.add();
      text += malformed_json(*error).to_text();
      continue;
    }
    if (metrics != nullptr) metrics->count(*next);
    text += submitted_json(*next++).to_text();
  }
  return text_response(text + "]}\n", "application/json");
}

void submit(Chain& chain, const std::shared_ptr<SubmitMetrics>& metrics, const Request& request, const Answer& answer) {
  const auto wait = request.query_u64("wait", 1, 1);
  if (!wait.ok()) return answer(bad_request(wait.error()));
  base::Result<Submission> submission = read_submission(request);
  if (!submission.ok()) return answer(bad_request(submission.error()));
  std::vector<ledger::ReadTransaction> transactions;
  Malformed malformed;
  for (base::Result<ledger::ReadTransaction>& read : *submission) {
    malformed.push_back(read.ok() ? std::nullopt : std::optional(read.error()));
    if (read.ok()) transactions.push_back(std::move(*read));
  }
  const auto count = static_cast<double>(transactions.size());
  if (metrics != nullptr) metrics->waiting.add(count);
  chain.order(std::move(transactions), {request.peer, *wait == 1},
              [answer, metrics, count, malformed = std::move(malformed)](const consensus::OrderResult& submitted) {
                if (metrics != nullptr) metrics->waiting.add(-count);
                answer(outcome(submitted, malformed, metrics.get()));
              });
}

Response status(const Chain& chain, const LedgerEndpointOptions& options) {
  return answer_query(chain, [&](const ChainView& view) -> base::Result<base::Json> {
    const consensus::BlockHeader& header = view.header().header;
    STARLING_ASSIGN(const ledger::ChainParameters parameters, ledger::chain_parameters(view));
    base::Json roles = base::Json::empty_array();
    for (const std::string& role : options.roles) roles.push(role);
    base::Json json = base::Json::empty_object();
    json.set("chain_id", std::to_string(header.chain_id));
    json.set("height", std::to_string(header.height));
    json.set("time", std::to_string(header.time));
    json.set("head", hash_text(consensus::header_hash(header)));
    json.set("state_root", hash_text(header.state_root));
    json.set("roles", std::move(roles));
    json.set("version", options.version);
    json.set("address", options.address.text());
    json.set("follows", options.follows.empty() ? base::Json() : base::Json(options.follows));
    json.set("fee_per_byte", std::to_string(parameters.fee_per_byte));
    json.set("fee_per_work", std::to_string(parameters.fee_per_work));
    const auto orderer = consensus::orderer_of(view.header());
    json.set("orderer", orderer.ok() ? base::Json(orderer->text()) : base::Json());
    return json;
  });
}

base::Error no_block(const std::string& height) { return base::not_found("there is no block " + height + " here"); }

Response block(const Chain& chain, Height height) {
  const auto found = chain.block(height);
  if (!found.ok()) return error_response(found.error());
  if (!*found) return error_response(no_block(std::to_string(height)));
  const consensus::Block& block = **found;
  base::Json json = consensus::header_json(block.header);
  json.set("hash", hash_text(consensus::header_hash(block.header.header)));
  base::Json transactions = base::Json::empty_array();
  for (const ledger::Outcome& outcome : block.outcomes) transactions.push(hash_text(outcome.id));
  json.set("transactions", std::move(transactions));
  ledger::Outcome due;
  due.events = block.due;
  json.set("due", *ledger::outcome_json(due).find("events"));
  return json_response(json);
}

Response block_header(const Chain& chain, Height height) {
  const auto header = chain.header(height);
  if (!header.ok()) return error_response(header.error());
  if (!*header) return error_response(no_block(std::to_string(height)));
  return json_response(consensus::header_json(**header));
}

// /v1/blocks/latest + after and /v1/blocks/{height} + after.
void add_block_routes(std::vector<Route>& routes, const Chain& chain, const std::string& after,
                      Response (*show)(const Chain& chain, Height height)) {
  routes.push_back(get_on_worker("/v1/blocks/latest" + after,
                                 [&chain, show](const Request&) { return show(chain, chain.height()); }));
  routes.push_back(get_on_worker("/v1/blocks/{height}" + after, [&chain, show](const Request& request) {
    const auto height = request.parameter_u64("height");
    return height.ok() ? show(chain, *height) : bad_request(height.error());
  }));
}

Response transaction(const Chain& chain, const Request& request) {
  const auto id = request.parameter_hash("id");
  if (!id.ok()) return bad_request(id.error());
  const auto json = [&]() -> base::Result<base::Json> {
    STARLING_ASSIGN(const std::optional<consensus::Place> place, chain.find_transaction(*id));
    if (!place) return base::not_found("no block here has a transaction " + id->hex());
    STARLING_ASSIGN(const std::optional<consensus::Block> block, chain.block(place->height));
    if (!block || place->index >= block->transactions.size()) return no_block(std::to_string(place->height));
    STARLING_ASSIGN(const ledger::Transaction decoded, ledger::decode_transaction(block->transactions[place->index]));
    base::Json made = submitted_json({place->height, place->index, block->outcomes[place->index]});
    made.set("time", std::to_string(block->header.header.time));
    made.set("transaction", ledger::transaction_json(decoded));
    return made;
  }();
  return json.ok() ? json_response(*json) : error_response(json.error());
}

Response account(const Chain& chain, const Request& request) {
  const auto address = request.parameter_address("address");
  if (!address.ok()) return bad_request(address.error());
  return answer_query(chain, [&](const ChainView& view) -> base::Result<base::Json> {
    STARLING_ASSIGN(const ledger::bank::Account account, ledger::bank::account(view, *address));
    base::Json json = named_json("address", address->text(), account);
    STARLING_TRY(add_proof(request, view, ledger::bank::account_key(*address), json));
    return json;
  });
}

Response model(const Chain& chain, const Request& request) {
  const auto root = request.parameter_hash("root");
  if (!root.ok()) return bad_request(root.error());
  return answer_query(chain, [&](const ChainView& view) -> base::Result<base::Json> {
    STARLING_ASSIGN(const std::optional<ledger::models::Model> model, ledger::models::model(view, *root));
    if (!model) {
      return answer_absent(request, view, ledger::models::model_key(*root), "model", hash_text(*root),
                           base::not_found("nobody has registered the model " + root->hex()));
    }
    base::Json json = named_json("model", hash_text(*root), *model);
    STARLING_TRY(add_proof(request, view, ledger::models::model_key(*root), json));
    return json;
  });
}

Response models(const Chain& chain, const Request& request) {
  return answer_query(chain, [&](const ChainView& view) -> base::Result<base::Json> {
    STARLING_ASSIGN(const std::size_t limit, list_limit(request));
    base::Hash after;
    const bool begun = request.has_query("after");
    if (begun) {
      STARLING_ASSIGN(after, base::Hash::from_hex(request.query.at("after")));
    }
    base::Json list = base::Json::empty_array();
    STARLING_TRY(ledger::models::each_model(view, [&](const base::Hash& root, const ledger::models::Model& model) {
      if (list.elements().size() >= limit) return false;
      if (!begun || root > after) list.push(named_json("model", hash_text(root), model));
      return true;
    }));
    base::Json json = base::Json::empty_object();
    json.set("models", std::move(list));
    return json;
  });
}

// {height, time, head} of the last block.
Response head(const Chain& chain) {
  return answer_query(chain, [](const ChainView& view) -> base::Result<base::Json> {
    const consensus::BlockHeader& header = view.header().header;
    base::Json json = base::Json::empty_object();
    json.set("height", std::to_string(header.height));
    json.set("time", std::to_string(header.time));
    json.set("head", hash_text(consensus::header_hash(header)));
    return json;
  });
}

Route wait_route(const Chain& chain) {
  Route route;
  route.pattern = "/v1/wait";
  route.later = [&chain, watch = std::make_shared<HeightWatch>(chain)](const Request& request, const Answer& answer) {
    const auto after = request.query_u64("after", chain.height(), ~std::uint64_t{0});
    const auto timeout = request.query_u64("timeout", kMaxWaitMilliseconds, kMaxWaitMilliseconds);
    if (!after.ok()) return answer(bad_request(after.error()));
    if (!timeout.ok()) return answer(bad_request(timeout.error()));
    watch->wait(*after, std::chrono::milliseconds(*timeout), [&chain, answer](Height) { answer(head(chain)); });
  };
  return route;
}

}  // namespace

std::vector<Route> ledger_routes(Chain& chain, const LedgerEndpointOptions& options, base::Metrics* metrics) {
  std::vector<Route> routes;
  routes.push_back(get_route("/v1/status", [&chain, options](const Request&) { return status(chain, options); }));
  Route post;
  post.pattern = "/v1/transactions";
  post.method = Method::kPost;
  post.runs = Runs::kComputes;
  post.body_limit = kMaxSubmitBytes;
  const std::shared_ptr<SubmitMetrics> counts =
      metrics == nullptr ? nullptr : std::make_shared<SubmitMetrics>(*metrics);
  post.later = [&chain, counts](const Request& request, const Answer& answer) {
    submit(chain, counts, request, answer);
  };
  routes.push_back(std::move(post));
  routes.push_back(
      get_on_worker("/v1/transactions/{id}", [&chain](const Request& r) { return transaction(chain, r); }));
  add_block_routes(routes, chain, "", &block);
  add_block_routes(routes, chain, "/header", &block_header);
  routes.push_back(wait_route(chain));
  routes.push_back(get_route("/v1/accounts/{address}", [&chain](const Request& r) { return account(chain, r); }));
  routes.push_back(get_on_worker("/v1/models", [&chain](const Request& r) { return models(chain, r); }));
  routes.push_back(get_route("/v1/models/{root}", [&chain](const Request& r) { return model(chain, r); }));
  return routes;
}

Route metrics_route(const base::Metrics& metrics, std::function<void()> refresh) {
  return get_on_worker("/metrics", [&metrics, refresh = std::move(refresh)](const Request&) {
    if (refresh) refresh();
    return text_response(metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
  });
}

}  // namespace starling::api
