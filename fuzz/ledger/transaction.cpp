// Hostile transactions: what is accepted is written back as the same bytes, and means the same as JSON.
#include "ledger/transaction.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto transaction = ledger::decode_transaction({data, size});
  if (!transaction.ok()) return 0;
  const base::Bytes again = ledger::encode_transaction(*transaction);
  if (!std::equal(again.begin(), again.end(), data, data + size)) std::abort();
  const auto from_json = ledger::transaction_from_json(ledger::transaction_json(*transaction));
  if (!from_json.ok() || ledger::encode_transaction(*from_json) != again) std::abort();
  return 0;
}
