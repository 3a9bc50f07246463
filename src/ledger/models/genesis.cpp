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
    if (model.model == base::Hash()) return base::invalid("models: a root is zero; give the model's own");
    if (model.royalty > kMaxRoyalty) return base::invalid("models: a royalty is above 5,000 basis points");
    const Model record{model.owner, model.name, model.royalty, model.locations};
    // The bounds of texts and lists are those of every model's record.
    const base::Result<Model> bounded = decode_record<Model>(encode_record(record));
    if (!bounded.ok()) return base::invalid("models: " + model.model.hex() + ": " + bounded.error().message);
    if (load<Model>(state, model_key(model.model)).has_value()) {
      return base::invalid("models: " + model.model.hex() + " is there twice; leave one out");
    }
    save(state, model_key(model.model), record);
  }
  return state.status();
}

}  // namespace starling::ledger::models
