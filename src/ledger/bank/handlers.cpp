#include "ledger/bank/handlers.h"

#include "ledger/bank/state.h"

namespace starling::ledger::bank {

std::optional<Fault> handle(Context& context, const Transfer& message) {
  if (message.motes == 0) return Fault::kZeroAmount;
  if (const auto fault = debit(context.state, context.sender, message.motes)) return fault;
  credit(context.state, message.to, message.motes);
  context.emit("bank.transferred",
               {{"from", context.sender.text()}, {"to", message.to.text()}, {"motes", std::to_string(message.motes)}});
  return std::nullopt;
}

}  // namespace starling::ledger::bank
