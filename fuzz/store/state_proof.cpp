// Hostile proofs: what is accepted is the only encoding of its proof, and shows nothing against a root of noise.
#include "store/state_proof.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const base::ByteView input(data, size);
  const auto proof = store::decode_proof(input);
  if (!proof.ok()) return 0;
  if (!std::ranges::equal(store::encode_proof(*proof), input)) std::abort();
  const base::Hash root = base::sha256(input);
  const base::ByteView key = base::as_bytes("key");
  if (store::verify_proof(root, key, std::nullopt, *proof) || store::verify_proof(root, key, key, *proof)) std::abort();
  return 0;
}
