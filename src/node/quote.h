#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "node/ledger_client.h"
#include "node/order.h"

namespace starling::node {

// What an order comes to, judged by what the ledger knows of the providers and by what those say of themselves that
// could take it. Nobody is bound by it.
struct Quote {
  std::uint64_t work_per_part = 0;  // multiply-adds
  std::uint32_t calls = 0;
  std::uint64_t memory_mebibytes = 0;
  ledger::Motes fee = 0;           // of submitting, about
  ledger::Motes lowest_price = 0;  // of a part: the most that the cheapest provider asks; 0: nobody could take one
  std::size_t providers = 0;       // that could take a part at the terms' price
  std::optional<double> seconds;   // until all parts are there; nothing when the speed of none of them is known
  Terms terms;                     // that suit it
};

// Terms that are asked for; what is not is chosen.
struct Wishes {
  std::optional<ledger::Motes> max_price;
  std::optional<std::uint64_t> time_limit;  // at most kMostTimeLimit
};
// Milliseconds. With it as a time limit the deadline leaves time for a second try.
inline constexpr std::uint64_t kMostTimeLimit = std::uint64_t{7} * 24 * 3600 * 1000;

// Multiply-adds a second; 0 when nothing is known. No more than the benchmark showed, whose seed nobody knew before:
// what a provider did for others is work that those declared.
double known_speed(const ledger::market::Provider& provider);

// Of the providers those that could win a part of the task, the lowest rate first: with memory, slots, stake and a
// benchmark that is young enough, and not suspended at `now`.
std::vector<ProviderEntry> fitting(std::vector<ProviderEntry> providers, const ledger::market::Parameters& rules,
                                   const ledger::market::SubmitTask& task, std::uint64_t now);

// Fills in the prices, the time and the terms for so many parts, from providers that fitting() gave. The speed that
// counts is the median of those that could win, so that neither one that seems fast nor one that is slow decides.
void estimate(Quote& quote, const std::vector<ProviderEntry>& providers, const ledger::market::Parameters& rules,
              std::size_t parts, const Wishes& wishes);

// Reads the ledger, asks the cheapest providers that fit whether they run the model, and estimates from those that
// answer that they do.
base::Result<Quote> make_quote(HttpClient& http, const LedgerClient& ledger, const Order& order, const Wishes& wishes,
                               const std::function<bool()>& cancelled);

}  // namespace starling::node
