#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/signature.h"
#include "ledger/execute.h"

namespace starling::consensus {

inline constexpr std::uint64_t kChainId = 7001;
inline constexpr std::uint64_t kGenesisTime = 1'700'000'000'000;
inline constexpr ledger::Motes kFee = 1'000;

// Keys of the tests: the same number always gives the same key.
base::SecretKey test_key(std::uint64_t number);
base::SecretKey orderer_key();

// A genesis whose first accounts, test_key(0) onwards, have 10^12 motes each.
base::Json test_genesis(std::uint64_t accounts = 8);

// A signed transfer.
ledger::ReadTransaction transfer(const base::SecretKey& from, std::uint64_t nonce, const base::Address& to,
                                 ledger::Motes motes);
ledger::ReadTransaction signed_message(const base::SecretKey& from, std::uint64_t nonce, const ledger::Message& message,
                                       ledger::Motes fee = 1'000'000);

}  // namespace starling::consensus
