#include "ledger/models/genesis.h"

#include "ledger/json_fields.h"
#include "ledger/models/state.h"

namespace starling::ledger::models {

base::Status read_genesis(Overlay& state, const base::Json& section) {
  if (!section.is_array()) return base::invalid("models: must be a list");
  for (const base::Json& entry : section.elements()) {
    UpdateModel model;
    JsonReader reader(entry);
    UpdateModel::fields(model, reader);
    const base::Status status = reader.finish();
    if (!status.ok()) return base::invalid("models: " + status.error().message);
    if (model.model == base::Hash() || model.royalty > kMaxRoyalty || model.name.size() > kMaxNameBytes ||
        model.locations.size() > kMaxLocations) {
      return base::invalid("models: a root is zero, a royalty above 5,000 or a text or list too long");
    }
    for (const std::string& location : model.locations) {
      if (location.size() > kMaxLocationBytes) return base::invalid("models: a location is too long");
    }
    if (load<Model>(state, model_key(model.model)).has_value()) {
      return base::invalid("models: " + model.model.hex() + " is there twice; leave one out");
    }
    save(state, model_key(model.model), Model{model.owner, model.name, model.royalty, model.locations});
  }
  return state.status();
}

}  // namespace starling::ledger::models
