#include "proof/model_root.h"

#include <vector>

#include "base/encoding.h"
#include "base/merkle.h"

namespace starling::proof {

base::Hash model_root(const std::map<std::string, base::Hash>& files,
                      const std::map<std::string, base::Hash>& weights) {
  std::vector<base::Hash> leaves;
  const auto add = [&](std::uint8_t kind, const std::map<std::string, base::Hash>& hashes) {
    for (const auto& [name, hash] : hashes) {
      base::Encoder encoder;
      encoder.u8(kind);
      encoder.text(name);
      encoder.hash(hash);
      leaves.push_back(base::merkle_leaf(encoder.data()));
    }
  };
  add(0, files);
  add(1, weights);
  base::Encoder encoder;
  encoder.text("starling model");
  encoder.hash(base::merkle_root(leaves));
  return base::sha256(encoder.data());
}

}  // namespace starling::proof
