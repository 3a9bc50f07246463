#include "node/order.h"

#include "ledger/market/state.h"

namespace starling::node {

namespace market = ledger::market;

base::Result<Order> prepare_order(const models::Checkpoint& model, const base::Hash& model_root,
                                  const std::vector<generate::TextToVideo>& requests) {
  if (requests.empty() || requests.size() > market::kMaxParts) {
    return base::invalid("an order is for 1 to " + std::to_string(market::kMaxParts) + " videos");
  }
  Order order;
  order.model = model_root;
  for (const generate::TextToVideo& request : requests) {
    const bool first = order.parts.empty();
    if (!first && !same_program(requests[0], request)) {
      return base::invalid("the videos of an order differ in prompts and seed only; order the others for themselves");
    }
    base::Result<generate::VideoJob> job =
        first ? generate::VideoJob::prepare(model, request) : order.parts[0].job->with_other_text(model, request);
    if (!job.ok()) return job.error();
    order.parts.push_back({{model_root, request}, std::make_shared<const generate::VideoJob>(*std::move(job))});
  }
  return order;
}

market::SubmitTask task_message(const Order& order) {
  const generate::VideoJob& job = *order.parts[0].job;
  market::SubmitTask message;
  message.program = job.program_root();
  message.model = order.model;
  message.work_per_part = priced_work(job.program().work());
  message.calls = static_cast<std::uint32_t>(job.program().calls().size());
  message.memory_mebibytes = needed_mebibytes(job);
  message.assurance = market::name_of(market::Assurance::kSingle);
  return message;
}

}  // namespace starling::node
