// What an order comes to, from records that somebody may have made up.
#include "node/quote.h"

#include <gtest/gtest.h>

#include "generate/benchmark.h"

namespace starling::node {
namespace {

namespace market = ledger::market;

constexpr std::uint64_t kNow = 1'700'000'000'000;
constexpr ledger::Motes kQuoteCredit = ledger::kMotesPerCredit;
constexpr std::uint64_t kBenchmarkWork = std::uint64_t{generate::kBenchmarkProducts} * generate::kBenchmarkSize *
                                         generate::kBenchmarkSize * generate::kBenchmarkSize;

class QuoteTest : public testing::Test {
 protected:
  QuoteTest() {
    rules.minimum_stake = kQuoteCredit;
    rules.auction_time = 100;
    rules.collateral = 20'000;
    rules.attempts = 3;
    rules.benchmark_age = 1'000'000;
    task.work_per_part = 10 * kBenchmarkWork;
    task.memory_mebibytes = 100;
  }
  // One that took so long for the benchmark.
  static ProviderEntry provider(std::uint64_t measured_time, std::uint64_t rate = 1'000'000) {
    ProviderEntry entry;
    entry.provider.memory_mebibytes = 1000;
    entry.provider.slots = 2;
    entry.provider.rate = rate;
    entry.provider.stake = 10 * kQuoteCredit;
    entry.provider.measured_time = measured_time;
    entry.provider.measured_at = kNow - 1000;
    return entry;
  }
  Quote quote(const std::vector<ProviderEntry>& providers, std::size_t parts = 1, const Wishes& wishes = {}) const {
    Quote quote;
    quote.work_per_part = task.work_per_part;
    estimate(quote, fitting(providers, rules, task, kNow), rules, parts, wishes);
    return quote;
  }
  bool fits(const ProviderEntry& entry) const { return fitting({entry}, rules, task, kNow).size() == 1; }

  market::Parameters rules;
  market::SubmitTask task;
};

TEST_F(QuoteTest, ARecordMadeWithAFriendMakesNobodyFast) {
  // A second for the benchmark: ten for the task.
  ProviderEntry liar = provider(1000);
  EXPECT_DOUBLE_EQ(*quote({liar}).seconds, 10.1);
  liar.provider.work_done = std::uint64_t{1} << 60;
  liar.provider.busy_time = 1;
  EXPECT_DOUBLE_EQ(*quote({liar}).seconds, 10.1);
  EXPECT_EQ(quote({liar}).terms.time_limit, 200'000U);
  // A record that says less than the benchmark did is believed.
  liar.provider.work_done = kBenchmarkWork;
  liar.provider.busy_time = 4000;
  EXPECT_DOUBLE_EQ(*quote({liar}).seconds, 40.1);
}

TEST_F(QuoteTest, TheMedianDecides) {
  // A benchmark that was answered at once, with any root.
  const std::vector<ProviderEntry> three = {provider(1), provider(1000), provider(2000)};
  EXPECT_EQ(quote(three).terms.time_limit, 200'000U);
  EXPECT_DOUBLE_EQ(*quote(three).seconds, 10.1);
  EXPECT_DOUBLE_EQ(*quote(three, 30).seconds, 100.1);
  // Of two the slower one.
  EXPECT_EQ(quote({provider(1), provider(1000)}).terms.time_limit, 200'000U);
  const std::vector<ProviderEntry> slow = {provider(1000), provider(1000), provider(900'000)};
  EXPECT_EQ(quote(slow).terms.time_limit, 200'000U);
  EXPECT_EQ(quote({provider(1)}).terms.time_limit, 30'000U) << "never less";
}

TEST_F(QuoteTest, OnlyThoseThatCouldWinCount) {
  const auto changed = [](const std::function<void(market::Provider&)>& change) {
    ProviderEntry entry = provider(1000);
    change(entry.provider);
    return entry;
  };
  EXPECT_TRUE(fits(provider(1000)));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.memory_mebibytes = 99; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.slots = 0; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.stake = kQuoteCredit - 1; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.suspended_until = kNow + 1; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.measured_at = 0; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.measured_at = kNow - 1'000'000; })));
  EXPECT_FALSE(fits(changed([](market::Provider& p) { p.rate = ~std::uint64_t{0}; })));
  EXPECT_EQ(quote({}).lowest_price, 0U);
  EXPECT_EQ(quote({}).providers, 0U);

  // Prices: the dear one is left out, and its speed does not count; nor does one whose stake does not back the price.
  const ledger::Motes price = *market::part_price(task.work_per_part, 1'000'000);
  const std::vector<ProviderEntry> two = {provider(1, 100'000'000), provider(1000)};
  EXPECT_EQ(quote(two).providers, 1U);
  EXPECT_EQ(quote(two).lowest_price, price);
  EXPECT_EQ(quote(two).terms.max_price, 4 * price);
  EXPECT_EQ(quote(two).terms.time_limit, 200'000U);
  Wishes wishes;
  wishes.max_price = price - 1;
  EXPECT_EQ(quote(two, 1, wishes).providers, 0U);
  wishes.max_price = 5 * kQuoteCredit;
  EXPECT_EQ(quote(two, 1, wishes).providers, 2U);
  wishes.max_price = 6 * kQuoteCredit;
  EXPECT_EQ(quote(two, 1, wishes).providers, 0U) << "twice as much is to back it";
}

TEST_F(QuoteTest, ATimeLimitMayBeAskedForAndLeavesTimeToTryAgain) {
  Wishes wishes;
  wishes.time_limit = 5'000;
  const Quote asked = quote({provider(1000)}, 1, wishes);
  EXPECT_EQ(asked.terms.time_limit, 5'000U);
  EXPECT_GE(asked.terms.deadline, 20'000U);
  EXPECT_DOUBLE_EQ(*asked.seconds, 10.1) << "what it takes stays what it is";
  wishes.time_limit = kMostTimeLimit;
  EXPECT_GE(quote({provider(1000)}, 1, wishes).terms.deadline, 2 * kMostTimeLimit);
  EXPECT_LT(quote({provider(1000)}, 1, wishes).terms.deadline, market::kMaxDeadline);
  // Where nobody was measured the work alone says how much time there is.
  rules.benchmark_age = 0;
  const Quote unknown = quote({provider(0)});
  EXPECT_FALSE(unknown.seconds.has_value());
  EXPECT_GT(unknown.terms.time_limit, 2'000'000U);
  task.work_per_part = std::uint64_t{1} << 63;
  EXPECT_EQ(quote({provider(0, 1)}).terms.time_limit, kMostTimeLimit);
}

}  // namespace
}  // namespace starling::node
