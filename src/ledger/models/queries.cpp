#include "ledger/models/queries.h"

namespace starling::ledger::models {

base::Result<std::optional<Model>> model(const store::StateView& state, const base::Hash& root) {
  return read_record<Model>(state, model_key(root));
}

base::Status each_model(const store::StateView& state,
                        const std::function<bool(const base::Hash& root, const Model& model)>& visit) {
  base::Status read;
  STARLING_TRY(state.scan(Key(kModule, kModels), [&](base::ByteView key, base::ByteView value) {
    const base::Result<Model> model = decode_record<Model>(value);
    if (!model.ok()) {
      read = model.error();
      return false;
    }
    return visit(key_hash(key, 2), *model);
  }));
  return read;
}

base::Status check_invariants(const store::StateView& state) {
  bool sound = true;
  STARLING_TRY(each_model(state, [&](const base::Hash& root, const Model& model) {
    sound = root != base::Hash() && model.royalty <= kMaxRoyalty;
    return sound;
  }));
  if (!sound) return base::internal_error("a model has no root or too high a royalty");
  return {};
}

}  // namespace starling::ledger::models
