#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "store/blob_manifest.h"

namespace starling::store {

struct BlobOptions {
  std::uint64_t quota_bytes = 0;     // of all blobs together, whole or not; 0: no bound
  std::int64_t max_age_seconds = 0;  // since the last use, of what is not pinned; 0: no bound
  std::size_t most_blobs = 0;        // whole ones; 0: no bound
};

struct BlobInfo {
  base::Hash name;
  std::uint64_t size = 0;
  std::int64_t last_used = 0;  // Unix seconds
  bool pinned = false;
};

struct BlobPin {
  base::Hash name;
  std::string owner;
};

struct CollectedBlobs {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// What is in a folder of blobs, and what may be thrown out of it. Thread safe. Files (docs/store.md): whole/NAME and
// manifests/NAME of a blob, partial/NAME and partial/NAME.manifest of one that is being received, writing/NUMBER of one
// that is being put, pins/NAME.OWNER.
class BlobIndex {
 public:
  // Reads the folder, making what is missing and removing what a killed process left half done.
  static base::Result<std::unique_ptr<BlobIndex>> open(const std::filesystem::path& folder, const BlobOptions& options);
  ~BlobIndex();
  BlobIndex(const BlobIndex&) = delete;
  BlobIndex& operator=(const BlobIndex&) = delete;

  std::filesystem::path whole(const base::Hash& name) const { return folder_ / "whole" / name.hex(); }
  std::filesystem::path manifest(const base::Hash& name) const { return folder_ / "manifests" / name.hex(); }
  std::filesystem::path partial(const base::Hash& name) const { return folder_ / "partial" / name.hex(); }
  std::filesystem::path partial_manifest(const base::Hash& name) const;
  std::filesystem::path new_writing();

  std::optional<BlobInfo> find(const base::Hash& name) const;
  std::vector<BlobInfo> list() const;

  // Sets bytes aside for what is about to be written, throwing out blobs that are not pinned, the longest unused first.
  // kLimit when that does not make enough room.
  base::Status reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  // Moves the finished, synced file to its place beside its manifest, and enters it. Its bytes stop being reserved.
  base::Status enter(const std::filesystem::path& file, const BlobManifest& blob, std::int64_t now);
  base::Status touch(const base::Hash& name, std::int64_t now);

  base::Status pin(const base::Hash& name, const std::string& owner);
  base::Status unpin(const base::Hash& name, const std::string& owner);
  std::vector<BlobPin> pins() const;
  base::Status remove(const base::Hash& name);
  base::Result<CollectedBlobs> collect(std::int64_t now);

  // Enters a blob that is about to be received, or was received in part before, and sets its bytes aside. Until
  // leave_partial() it is in use and collect() leaves it alone.
  base::Status use_partial(const base::Hash& name, std::uint64_t size);
  void leave_partial(const base::Hash& name);
  // As enter(), of a partial blob.
  base::Status enter_partial(const BlobManifest& blob, std::int64_t now);

 private:
  struct Entry {
    std::uint64_t size = 0;
    std::int64_t last_used = 0;
  };
  BlobIndex(std::filesystem::path folder, const BlobOptions& options) : folder_(std::move(folder)), options_(options) {}
  base::Status lock_folder();
  base::Status read_whole();
  base::Status read_pins();
  base::Status read_partials();
  // These need the lock.
  bool pinned(const base::Hash& name) const { return pins_.contains(name); }
  base::Status erase(const base::Hash& name);
  base::Status erase_partial(const base::Hash& name);
  void add(const base::Hash& name, std::uint64_t size, std::int64_t now);
  base::Status enter_locked(const std::filesystem::path& file, const BlobManifest& blob, std::int64_t now);
  base::Status make_room(std::uint64_t bytes, std::size_t blobs, CollectedBlobs& collected);
  base::Status collect_partials(std::int64_t now, CollectedBlobs& collected);

  const std::filesystem::path folder_;
  const BlobOptions options_;
  int lock_ = -1;
  mutable std::mutex mutex_;
  std::map<base::Hash, Entry> entries_;
  std::set<std::pair<std::int64_t, base::Hash>> by_use_;  // entries that are not pinned, the longest unused first
  std::map<base::Hash, std::set<std::string>> pins_;
  std::map<base::Hash, std::uint64_t> partials_;  // their whole sizes
  std::multiset<base::Hash> partials_in_use_;
  std::uint64_t used_ = 0;      // bytes of entries
  std::uint64_t reserved_ = 0;  // bytes of partials and of what is being put
  std::uint64_t writings_ = 0;
};

}  // namespace starling::store
