#pragma once

#include <filesystem>
#include <utility>
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

// The order for requests that differ in prompts, seed and given frames only. The model is here, to say what its program
// is. given: of each request, if they go on from frames.
base::Result<Order> prepare_order(const models::Checkpoint& model, const base::Hash& model_root,
                                  const std::vector<generate::TextToVideo>& requests,
                                  const std::vector<generate::GivenFrames>& given = {});

// Whether a network takes the frames that each of so many videos goes on from: kLimit with how many it takes.
base::Status check_given(const generate::TextToVideo& request, const generate::GivenFrames& frames,
                         std::size_t videos = 1);

struct Terms {
  ledger::Motes max_price = 0;   // for a part
  std::uint64_t time_limit = 0;  // milliseconds from the award of a part to its commitment
  std::uint64_t deadline = 0;    // milliseconds from now
};

// The inputs of orders that this person made, each in a file under its name in a folder: whoever fetches what was paid
// for needs nobody to say what was asked.
class OrderInputs {
 public:
  explicit OrderInputs(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // Durable when this returns. Throws out those that no task can still be open for.
  base::Status keep(const std::vector<base::Bytes>& inputs) const;
  // kNotFound when it is not here, or not what it was.
  base::Result<base::Bytes> find(const base::Hash& name) const;

 private:
  std::filesystem::path folder_;
};

// The task of an order but for its inputs and its terms.
ledger::market::SubmitTask task_message(const Order& order);

}  // namespace starling::node
