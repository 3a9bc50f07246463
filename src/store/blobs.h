#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/blob_index.h"
#include "store/blob_manifest.h"
#include "store/data_file.h"

namespace starling::store {

// A blob to read. Stays readable while it lives, also when the blob is thrown out meanwhile. Thread safe.
class BlobReader {
 public:
  std::uint64_t size() const { return size_; }
  // Fills the buffer from the offset on; an error unless all of it lies within the blob.
  base::Status read(std::uint64_t offset, std::span<std::uint8_t> buffer) const;

 private:
  friend class Blobs;
  BlobReader(DataFile file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  DataFile file_;
  std::uint64_t size_;
};

// A blob whose bytes come in order and whose name is known at the end. Not thread safe. Gone without finish().
class BlobWriter {
 public:
  BlobWriter(std::shared_ptr<BlobIndex> index, std::filesystem::path path, DataFile file);
  ~BlobWriter();
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  // kLimit when there is no room; after an error only destruction is allowed.
  base::Status append(base::ByteView bytes);
  // Makes the blob durable and enters it. After this only destruction is allowed.
  base::Result<base::Hash> finish(std::int64_t now);

 private:
  base::Status end_piece();
  std::shared_ptr<BlobIndex> index_;
  std::filesystem::path path_;
  DataFile file_;
  BlobManifest manifest_;
  base::Bytes piece_;
  std::uint64_t reserved_ = 0;
};

// A blob that is being received, piece by piece in any order. Pieces that were received before, also by a process that
// was killed, are there. Thread safe.
class PartialBlob {
 public:
  // Looks which pieces the file has by their hashes.
  static base::Result<std::shared_ptr<PartialBlob>> open(std::shared_ptr<BlobIndex> index, BlobManifest manifest);
  ~PartialBlob();
  PartialBlob(const PartialBlob&) = delete;
  PartialBlob& operator=(const PartialBlob&) = delete;

  const base::Hash& name() const { return name_; }
  const BlobManifest& manifest() const { return manifest_; }
  std::vector<std::size_t> missing() const;
  // kCorrupt when these are not the piece's bytes: then nothing is written, and whoever sent them lied.
  base::Status write_piece(std::size_t piece, base::ByteView bytes);
  // Makes the blob durable and enters it; kInvalidArgument while pieces are missing. Fine to call twice.
  base::Status finish(std::int64_t now);

 private:
  PartialBlob(std::shared_ptr<BlobIndex> index, BlobManifest manifest, const base::Hash& name, DataFile file);
  base::Status find_pieces();
  std::shared_ptr<BlobIndex> index_;
  const BlobManifest manifest_;
  const base::Hash name_;
  DataFile file_;
  mutable std::mutex mutex_;
  std::vector<bool> present_;
  std::size_t left_ = 0;
  bool finished_ = false;
};

// Blobs on disk under the names that their bytes have. A blob is there whole or not at all, whatever happens to the
// process. Times are Unix seconds and given by the caller. Thread safe; one process at a time.
class Blobs {
 public:
  static base::Result<std::unique_ptr<Blobs>> open(const std::filesystem::path& folder,
                                                   const BlobOptions& options = {});

  base::Result<base::Hash> put(base::ByteView bytes, std::int64_t now);
  base::Result<base::Hash> put_file(const std::filesystem::path& path, std::int64_t now);
  base::Result<std::unique_ptr<BlobWriter>> write();
  // Begins to receive a blob, or goes on; all who receive the same blob share one object. kInvalidArgument when the
  // blob is here already.
  base::Result<std::shared_ptr<PartialBlob>> receive(const BlobManifest& manifest);
  // The manifest of a blob that was received in part before, so that receive() can go on without a peer's.
  base::Result<BlobManifest> partial_manifest(const base::Hash& name) const;

  bool has(const base::Hash& name) const { return index_->find(name).has_value(); }
  std::optional<BlobInfo> find(const base::Hash& name) const { return index_->find(name); }
  std::vector<BlobInfo> list() const { return index_->list(); }
  base::Result<BlobManifest> manifest(const base::Hash& name) const;
  // Counts as a use. kNotFound when there is no such blob.
  base::Result<BlobReader> read(const base::Hash& name, std::int64_t now) const;
  // Its file, for what opens files by name; never write to it. Pin the blob for as long. Counts as a use.
  base::Result<std::filesystem::path> path(const base::Hash& name, std::int64_t now) const;
  // Reads a blob and compares it with its name: kCorrupt names the first piece that differs.
  base::Status check(const base::Hash& name) const;

  // A pinned blob is never thrown out. A pin belongs to an owner (a word of a-z, 0-9, - and _), lasts until that owner
  // unpins, and may come before the blob.
  base::Status pin(const base::Hash& name, const std::string& owner) { return index_->pin(name, owner); }
  base::Status unpin(const base::Hash& name, const std::string& owner) { return index_->unpin(name, owner); }
  std::vector<BlobPin> pins() const { return index_->pins(); }
  base::Status remove(const base::Hash& name) { return index_->remove(name); }
  // Throws out what is too old, and then the longest unused until the quota is kept.
  base::Result<CollectedBlobs> collect(std::int64_t now) { return index_->collect(now); }

 private:
  explicit Blobs(std::shared_ptr<BlobIndex> index) : index_(std::move(index)) {}
  base::Error missing(const base::Hash& name) const;
  std::shared_ptr<BlobIndex> index_;
  std::mutex partials_mutex_;
  std::map<base::Hash, std::weak_ptr<PartialBlob>> partials_;
};

}  // namespace starling::store
