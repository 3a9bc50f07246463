#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace starling::store {

constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kMaxBlobBytes = std::uint64_t{256} << 30;
constexpr std::size_t kMaxManifestBytes = 8 + 32 * static_cast<std::size_t>(kMaxBlobBytes / kPieceBytes);

// What a blob's bytes must be: its size, and the hash of each piece of kPieceBytes (the last one may be shorter).
struct BlobManifest {
  std::uint64_t size = 0;
  std::vector<base::Hash> pieces;  // base::merkle_leaf of the piece's bytes

  bool operator==(const BlobManifest&) const = default;
  // Of a blob of at most one piece.
  static BlobManifest of_piece(base::ByteView bytes);
  static std::uint64_t piece_count(std::uint64_t size) { return (size + kPieceBytes - 1) / kPieceBytes; }
  // Bytes of a piece. Precondition: piece < pieces.size().
  std::size_t piece_size(std::size_t piece) const;
  // The blob's name: SHA-256 over "starling blob" (u32 length first), the size (u64) and the Merkle root of the pieces.
  base::Hash name() const;
  // The size (u64) and the hashes.
  base::Bytes encode() const;
  // An error unless the bytes are the encoding of a manifest within the bounds, and of the blob of this name.
  static base::Result<BlobManifest> decode(base::ByteView bytes, const base::Hash& name);
};

}  // namespace starling::store
