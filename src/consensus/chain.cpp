#include "consensus/chain.h"

#include <future>
#include <memory>
#include <utility>

namespace starling::consensus {

OrderResult Chain::submit(std::vector<ledger::ReadTransaction> transactions, const OrderOptions& options) {
  const auto outcome = std::make_shared<std::promise<OrderResult>>();
  order(std::move(transactions), options, [outcome](OrderResult result) { outcome->set_value(std::move(result)); });
  return outcome->get_future().get();
}

}  // namespace starling::consensus
