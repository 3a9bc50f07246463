#include "test_chain.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/bank/queries.h"
#include "ledger/chain.h"
#include "ledger/modules.h"
#include "store/tree.h"

namespace starling::consensus {
namespace {

base::Hash root_of(const store::MemoryState& state) {
  std::vector<store::Leaf> leaves;
  for (const auto& [key, value] : state.entries()) leaves.push_back({store::path_of(key), base::sha256(value)});
  std::ranges::sort(leaves);
  return store::tree_root(leaves);
}

}  // namespace

EmbeddedOptions quick_options() {
  EmbeddedOptions options;
  options.threads = 2;
  options.cache_bytes = std::size_t{1} << 20;
  options.ahead.wait = std::chrono::milliseconds(50);
  return options;
}

Auditor::Auditor() {
  const auto writes = ledger::read_genesis(test_genesis());
  if (!writes.ok() || !state_.apply(*writes).ok()) base::halt("the genesis of the tests is none");
}

void Auditor::audit(const Embedded& chain) {
  if (height_ == 0) {
    const auto genesis = chain.header(0);
    ASSERT_TRUE(genesis.ok() && genesis->has_value());
    EXPECT_EQ((*genesis)->header.state_root, root_of(state_));
    previous_ = header_hash((*genesis)->header);
  }
  ASSERT_GE(chain.height(), height_);
  while (height_ < chain.height()) {
    const auto block = chain.block(height_ + 1);
    ASSERT_TRUE(block.ok()) << block.error().message;
    ASSERT_TRUE(block->has_value()) << "block " << height_ + 1;
    follow(chain, **block);
    if (testing::Test::HasFailure()) return;
  }
  const auto view = chain.view();
  ASSERT_TRUE(view.ok());
  EXPECT_EQ((*view)->header().header.height, height_);
  EXPECT_EQ((*view)->header().header.state_root, root_of(state_));
  const base::Status sound = ledger::check_invariants(**view);
  EXPECT_TRUE(sound.ok()) << sound.error().message;
  EXPECT_EQ(*ledger::bank::supply(**view), 8'000'000'000'000U);
}

void Auditor::follow(const Embedded& chain, const Block& block) {
  const BlockHeader& header = block.header.header;
  EXPECT_EQ(header.height, height_ + 1);
  EXPECT_EQ(header.previous, previous_);
  EXPECT_EQ(*orderer_of(block.header), orderer_key().address());
  std::vector<ledger::ReadTransaction> transactions;
  std::vector<base::Hash> ids;
  for (const base::Bytes& bytes : block.transactions) {
    transactions.push_back(*ledger::read_transaction(bytes));
    const base::Hash id = transactions.back().id;
    const Place place{header.height, static_cast<std::uint32_t>(ids.size())};
    ids.push_back(id);
    EXPECT_TRUE(transactions_.insert(id).second) << "applied twice";
    EXPECT_EQ(**chain.find_transaction(id), place);
    EXPECT_TRUE(ledger::verify(transactions.back()));
  }
  EXPECT_EQ(header.transactions_root, transactions_root(ids));
  const auto result = ledger::execute_block(state_, {header.height, header.time, header.previous}, transactions);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(header.outcomes_root, ledger::outcomes_root(*result));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(block.outcomes[i].id, ids[i]);
    EXPECT_EQ(block.outcomes[i].fault, result->outcomes[i].fault);
  }
  ASSERT_TRUE(state_.apply(result->writes).ok());
  EXPECT_EQ(header.state_root, root_of(state_));
  previous_ = header_hash(header);
  ++height_;
}

}  // namespace starling::consensus
