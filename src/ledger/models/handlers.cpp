#include "ledger/models/handlers.h"

#include "ledger/models/state.h"

namespace starling::ledger::models {

std::optional<Fault> handle(Context& context, const RegisterModel& message) {
  if (message.model == base::Hash()) return Fault::kModelRootZero;
  if (message.royalty > kMaxRoyalty) return Fault::kRoyaltyTooHigh;
  if (load<Model>(context.state, model_key(message.model)).has_value()) return Fault::kModelTaken;
  save(context.state, model_key(message.model),
       Model{context.sender, message.name, message.royalty, message.locations});
  context.emit("models.registered", {{"model", message.model.hex()}, {"owner", context.sender.text()}});
  return std::nullopt;
}

std::optional<Fault> handle(Context& context, const UpdateModel& message) {
  const auto model = load<Model>(context.state, model_key(message.model));
  if (!model.has_value()) return Fault::kModelUnknown;
  if (model->owner != context.sender) return Fault::kNotModelOwner;
  if (message.royalty > kMaxRoyalty) return Fault::kRoyaltyTooHigh;
  save(context.state, model_key(message.model), Model{message.owner, message.name, message.royalty, message.locations});
  context.emit("models.updated", {{"model", message.model.hex()}, {"owner", message.owner.text()}});
  return std::nullopt;
}

}  // namespace starling::ledger::models
