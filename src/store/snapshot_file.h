#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "store/state_store.h"

// A state in one file (docs/store.md): the same state always gives the same bytes.
namespace starling::store {

// Bytes of the entries in a chunk.
constexpr std::size_t kMaxChunkBytes = std::size_t{4} << 20;

struct SnapshotHeader {
  std::uint64_t height = 0;
  base::Hash root;
  std::uint64_t entries = 0;
  base::Bytes metadata;
};

// Reads a snapshot, chunk by chunk, from anywhere. Whatever the bytes are, it takes at most one chunk of memory and
// gives entries within the bounds of state_view.h, in the order of their keys; whether they have the header's root
// only an import finds out.
class SnapshotReader {
 public:
  // Fills the buffer, or as much of it as there is: fewer bytes are the end.
  using Source = std::function<base::Result<std::size_t>(std::span<std::uint8_t> buffer)>;

  // name says in messages what is being read.
  static base::Result<SnapshotReader> open(Source source, std::string name);
  const SnapshotHeader& header() const { return header_; }
  // The next chunk's entries, or none after the last one.
  base::Result<std::vector<Write>> next();

 private:
  SnapshotReader(Source source, std::string name) : source_(std::move(source)), name_(std::move(name)) {}
  base::Error malformed(const std::string& what) const;
  base::Status read(std::span<std::uint8_t> buffer);
  base::Status read_header();
  base::Status read_end();
  base::Result<std::vector<Write>> parse_chunk(const base::Bytes& payload);

  Source source_;
  std::string name_;
  SnapshotHeader header_;
  base::Hash hash_;             // of the header and all chunks so far
  std::uint64_t seen_ = 0;      // entries
  std::size_t last_chunk_ = 0;  // bytes of it
  base::Bytes last_key_;
  bool ended_ = false;
};

// Writes a snapshot of the state; the file appears whole or not at all.
base::Status export_snapshot(const StateSnapshot& state, const std::filesystem::path& file);
// The header of a file, without reading what follows.
base::Result<SnapshotHeader> read_snapshot_header(const std::filesystem::path& file);
// Makes a state's folder, which must not exist or be empty, out of a snapshot; it appears whole or not at all. An error
// unless the entries have the header's root, and that is trusted_root, if given. The height and the metadata are the
// word of whoever made the file: compare them with what is known.
base::Result<SnapshotHeader> import_snapshot(const std::filesystem::path& file, const std::filesystem::path& folder,
                                             const std::optional<base::Hash>& trusted_root,
                                             const StateStoreOptions& options = {});

}  // namespace starling::store
