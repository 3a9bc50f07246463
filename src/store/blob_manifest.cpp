#include "store/blob_manifest.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/merkle.h"

namespace starling::store {

BlobManifest BlobManifest::of_piece(base::ByteView bytes) {
  BlobManifest manifest;
  manifest.size = bytes.size();
  if (!bytes.empty()) manifest.pieces.push_back(base::merkle_leaf(bytes));
  return manifest;
}

std::size_t BlobManifest::piece_size(std::size_t piece) const {
  return static_cast<std::size_t>(std::min(kPieceBytes, size - piece * kPieceBytes));
}

base::Hash BlobManifest::name() const {
  base::Encoder encoder;
  encoder.text("starling blob");
  encoder.u64(size);
  encoder.hash(base::merkle_root(pieces));
  return base::sha256(encoder.data());
}

base::Bytes BlobManifest::encode() const {
  base::Encoder encoder;
  encoder.u64(size);
  for (const base::Hash& piece : pieces) encoder.hash(piece);
  return encoder.data();
}

base::Result<BlobManifest> BlobManifest::decode(base::ByteView bytes, const base::Hash& name) {
  base::Decoder decoder(bytes);
  BlobManifest manifest;
  manifest.size = decoder.u64();
  if (!decoder.ok() || manifest.size > kMaxBlobBytes || decoder.remaining() != 32 * piece_count(manifest.size)) {
    return base::corrupt("the list of pieces of blob " + name.hex() + " does not follow its format");
  }
  manifest.pieces.resize(piece_count(manifest.size));
  for (base::Hash& piece : manifest.pieces) piece = decoder.hash();
  if (manifest.name() != name) {
    return base::corrupt("a list of pieces is not that of blob " + name.hex() + ", for which it was given");
  }
  return manifest;
}

}  // namespace starling::store
