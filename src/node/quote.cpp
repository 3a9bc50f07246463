#include "node/quote.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "generate/benchmark.h"
#include "ledger/chain.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

constexpr std::uint64_t kLeastTimeLimit = 30'000;
constexpr double kSlowSpeed = 1e9;  // of providers nothing is known of
constexpr double kBenchmarkWork = static_cast<double>(generate::kBenchmarkProducts) * generate::kBenchmarkSize *
                                  generate::kBenchmarkSize * generate::kBenchmarkSize;
constexpr std::size_t kMostAsked = 64;
constexpr std::size_t kAskedAtOnce = 16;
constexpr std::chrono::seconds kAskingTime{2};

bool backs(const market::Provider& provider, const market::Parameters& rules, ledger::Motes price) {
  const auto collateral = ledger::multiply_divide(price, rules.collateral, ledger::kBasisPoints, true);
  return collateral.has_value() && provider.stake >= *collateral;
}

// Whether the provider answers, and says that it runs the model.
bool runs_model(HttpClient& http, const std::string& endpoint, const base::Hash& model,
                const std::function<bool()>& cancelled) {
  if (!check_base_url(endpoint).ok()) return false;
  HttpRequest request;
  request.url = endpoint + "/v1/provider";
  request.most_bytes = std::size_t{256} << 10;
  request.time = kAskingTime;
  request.cancelled = cancelled;
  const auto reply = http.send(request);
  if (!reply.ok() || !reply_status(request.url, *reply).ok()) return false;
  const auto json = base::Json::parse(reply->body, request.url);
  if (!json.ok()) return false;
  const auto any = json->boolean("any_model");
  if (any.ok() && *any) return true;
  const auto models = json->array("models");
  return models.ok() && std::ranges::any_of((*models)->elements(), [&](const base::Json& item) {
           const auto text = item.as_text();
           const auto root = text.ok() ? base::Hash::from_hex(*text) : text.error();
           return root.ok() && *root == model;
         });
}

std::vector<ProviderEntry> with_model(HttpClient& http, std::vector<ProviderEntry> providers, const base::Hash& model,
                                      const std::function<bool()>& cancelled) {
  if (providers.size() > kMostAsked) providers.resize(kMostAsked);
  std::vector<char> runs(providers.size(), 0);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(kAskedAtOnce, providers.size()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < providers.size(); at = next++) {
        runs[at] = runs_model(http, providers[at].provider.endpoint, model, cancelled) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<ProviderEntry> found;
  for (std::size_t i = 0; i < providers.size(); ++i) {
    if (runs[i] != 0) found.push_back(std::move(providers[i]));
  }
  return found;
}

}  // namespace

double known_speed(const market::Provider& provider) {
  if (provider.measured_time == 0) return 0.0;
  const double measured = kBenchmarkWork / static_cast<double>(provider.measured_time) * 1000.0;
  if (provider.work_done == 0 || provider.busy_time == 0) return measured;
  return std::min(measured, static_cast<double>(provider.work_done) / static_cast<double>(provider.busy_time) * 1000.0);
}

std::vector<ProviderEntry> fitting(std::vector<ProviderEntry> providers, const market::Parameters& rules,
                                   const market::SubmitTask& task, std::uint64_t now) {
  std::erase_if(providers, [&](const ProviderEntry& entry) {
    const market::Provider& provider = entry.provider;
    const bool measured =
        rules.benchmark_age == 0 || (provider.measured_at != 0 && now < provider.measured_at + rules.benchmark_age);
    const auto price = market::part_price(task.work_per_part, provider.rate);
    return !measured || provider.memory_mebibytes < task.memory_mebibytes || provider.slots == 0 ||
           provider.suspended_until > now || provider.stake < rules.minimum_stake || !price.has_value() ||
           !backs(provider, rules, *price);
  });
  std::ranges::stable_sort(providers, {}, [](const ProviderEntry& entry) { return entry.provider.rate; });
  return providers;
}

void estimate(Quote& quote, const std::vector<ProviderEntry>& providers, const market::Parameters& rules,
              std::size_t parts, const Wishes& wishes) {
  const auto price_of = [&](const ProviderEntry& entry) {
    return market::part_price(quote.work_per_part, entry.provider.rate).value_or(~ledger::Motes{0});
  };
  if (!providers.empty()) {
    // Dear providers do not make it dear: some are left to choose from, and escrow stays near what it will cost.
    constexpr ledger::Motes kSpread = 4;
    const ledger::Motes highest = price_of(providers.back());
    quote.lowest_price = price_of(providers.front());
    quote.terms.max_price = std::min(highest, ledger::checked_multiply(quote.lowest_price, kSpread).value_or(highest));
  }
  if (wishes.max_price.has_value()) quote.terms.max_price = *wishes.max_price;

  std::vector<double> speeds;
  for (const ProviderEntry& entry : providers) {
    if (price_of(entry) > quote.terms.max_price || !backs(entry.provider, rules, quote.terms.max_price)) continue;
    quote.providers += 1;
    if (const double speed = known_speed(entry.provider); speed > 0.0) speeds.push_back(speed);
  }
  double part = static_cast<double>(quote.work_per_part) / kSlowSpeed;  // seconds
  if (!speeds.empty()) {
    std::ranges::sort(speeds);
    part = static_cast<double>(quote.work_per_part) / speeds[(speeds.size() - 1) / 2];
    const double rounds = std::max(1.0, static_cast<double>(parts) / static_cast<double>(quote.providers));
    quote.seconds = static_cast<double>(rules.auction_time) / 1000.0 + part * rounds;
  }
  constexpr double kPatience = 20.0;
  constexpr auto kMostSeconds = static_cast<double>(kMostTimeLimit) / 1000.0;
  const auto chosen = static_cast<std::uint64_t>(std::min(part * kPatience, kMostSeconds) * 1000.0);
  quote.terms.time_limit = wishes.time_limit.value_or(std::max(kLeastTimeLimit, chosen));
  const double slow = std::min(quote.seconds.value_or(0.0), kMostSeconds) * 10'000.0;
  quote.terms.deadline = std::min<std::uint64_t>(
      market::kMaxDeadline / 2, quote.terms.time_limit * (rules.attempts + 1) + static_cast<std::uint64_t>(slow));
}

base::Result<Quote> make_quote(HttpClient& http, const LedgerClient& ledger, const Order& order, const Wishes& wishes,
                               const std::function<bool()>& cancelled) {
  STARLING_ASSIGN(const ChainStatus chain, ledger.status());
  STARLING_ASSIGN(const market::Parameters rules, ledger.market());
  STARLING_ASSIGN(std::vector<ProviderEntry> providers, ledger.providers());
  market::SubmitTask message = task_message(order);
  message.inputs.resize(order.parts.size());
  Quote quote;
  quote.work_per_part = message.work_per_part;
  quote.calls = message.calls;
  quote.memory_mebibytes = message.memory_mebibytes;
  ledger::Transaction transaction;
  transaction.message = message;
  ledger::ChainParameters fees;
  fees.fee_per_byte = chain.fee_per_byte;
  fees.fee_per_work = chain.fee_per_work;
  constexpr std::size_t kEnvelope = 64;  // numbers that are not known yet
  quote.fee =
      ledger::least_fee(fees, ledger::encode_transaction(transaction).size() + kEnvelope, message.work()).value_or(0);
  providers = with_model(http, fitting(std::move(providers), rules, message, chain.time), order.model, cancelled);
  if (cancelled != nullptr && cancelled()) return base::cancelled("interrupted while providers were asked");
  estimate(quote, providers, rules, order.parts.size(), wishes);
  return quote;
}

}  // namespace starling::node
