#pragma once

#include <map>
#include <string>

#include "base/hash.h"

namespace starling::proof {

// The name of a model (docs/models.md): from the hashes of its files by name, and the tensor roots of its weights by
// name as "vae/decoder.conv_in.bias".
base::Hash model_root(const std::map<std::string, base::Hash>& files, const std::map<std::string, base::Hash>& weights);

}  // namespace starling::proof
