// Hostile manifests, as a peer may send them: what is accepted is written back as the same bytes and fits its blob.
#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "store/blob_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  // The name that these bytes would have as a manifest, so that the check of the name does not refuse nearly
  // everything.
  store::BlobManifest claimed;
  base::Decoder decoder({data, size});
  claimed.size = decoder.u64();
  while (decoder.remaining() >= 32) claimed.pieces.push_back(decoder.hash());
  const base::Hash name = claimed.name();
  const auto manifest = store::BlobManifest::decode({data, size}, name);
  if (!manifest.ok()) return 0;
  const base::Bytes again = manifest->encode();
  if (!std::equal(again.begin(), again.end(), data, data + size)) std::abort();
  if (manifest->name() != name || manifest->size > store::kMaxBlobBytes) std::abort();
  std::uint64_t sum = 0;
  for (std::size_t piece = 0; piece < manifest->pieces.size(); ++piece) sum += manifest->piece_size(piece);
  if (sum != manifest->size) std::abort();
  return 0;
}
