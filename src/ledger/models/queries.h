#pragma once

#include <functional>

#include "ledger/models/state.h"

namespace starling::ledger::models {

base::Result<std::optional<Model>> model(const store::StateView& state, const base::Hash& root);
// Every model in the order of the roots, until visit returns false.
base::Status each_model(const store::StateView& state,
                        const std::function<bool(const base::Hash& root, const Model& model)>& visit);
// kInternal unless every model has a root and a royalty within the bound.
base::Status check_invariants(const store::StateView& state);

}  // namespace starling::ledger::models
