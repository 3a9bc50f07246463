#pragma once

#include <vector>

#include "base/result.h"
#include "ledger/market/messages.h"
#include "models/checkpoint.h"
#include "node/provider_jobs.h"

namespace starling::node {

// Videos to be made elsewhere: the parts of one task, which share a program.
struct Order {
  base::Hash model;
  std::vector<ReadyPart> parts;
};

// The order for requests that differ in prompts and seed only. The model is here, to say what its program is.
base::Result<Order> prepare_order(const models::Checkpoint& model, const base::Hash& model_root,
                                  const std::vector<generate::TextToVideo>& requests);

struct Terms {
  ledger::Motes max_price = 0;   // for a part
  std::uint64_t time_limit = 0;  // milliseconds from the award of a part to its commitment
  std::uint64_t deadline = 0;    // milliseconds from now
};

// The task of an order but for its inputs and its terms.
ledger::market::SubmitTask task_message(const Order& order);

}  // namespace starling::node
