#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/hash.h"
#include "store/state_proof.h"
#include "store/state_view.h"

namespace starling::store {

struct SnapshotHeader;

struct StateStoreOptions {
  // Threads that share the work of a commit, counting its caller; 0: one per available core.
  int threads = 0;
  std::size_t cache_bytes = std::size_t{256} << 20;
  // Of the tree in memory: some 230 for each entry of the state spare commits all reading.
  std::size_t tree_bytes = std::size_t{512} << 20;
  // Changed leaves after which pages of the tree are written; opening makes up for about twice as many.
  std::size_t unwritten_leaves = 200'000;
  // Whether a commit is on the disk when it returns. Without, a power failure may leave the state of an older whole
  // block (a killed process does not): for whoever has the blocks elsewhere and applies what is missing.
  bool synced = true;
};

constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 20;
// Bytes of all keys and values of one commit.
constexpr std::size_t kMaxCommitBytes = std::size_t{1} << 30;

// What the last commit left.
struct CommittedState {
  bool empty = true;  // nothing was ever committed; all else is zero
  std::uint64_t height = 0;
  base::Hash root;
  std::uint64_t entries = 0;
  base::Bytes metadata;  // what the caller gave with the commit
};

// What a block makes of a state, worked out and not yet written.
class PreparedCommit {
 public:
  PreparedCommit(PreparedCommit&& other) noexcept;
  PreparedCommit& operator=(PreparedCommit&& other) noexcept;
  ~PreparedCommit();
  // The root that the state will have.
  const base::Hash& root() const;
  // What it writes, in the order given.
  const std::vector<Write>& writes() const;

 private:
  friend class StateStore;
  struct Content;
  explicit PreparedCommit(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

struct ProvenValue {
  std::optional<base::Bytes> value;
  StateProof proof;
};

// A state as it was after one commit, whatever is committed later. Holds back the space of what is overwritten, so let
// it go soon. Thread safe. Must not outlive its store.
class StateSnapshot : public StateView {
 public:
  virtual const CommittedState& state() const = 0;
  // A proof against state().root.
  virtual base::Result<ProvenValue> prove(base::ByteView key) const = 0;
};

// A state on disk, named after every commit by the root of the tree over its entries. Whatever happens to the process,
// the folder holds the state of the last commit that returned, or of the one under way, whole.
// Reading is thread safe, also beside a commit; commits come one after another.
class StateStore : public StateView {
 public:
  // Makes the folder when there is none. An error when another process has it open, or when it holds damage.
  static base::Result<std::unique_ptr<StateStore>> open(const std::filesystem::path& folder,
                                                        const StateStoreOptions& options = {});
  ~StateStore() override;
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override;
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override;

  // Applies one block's writes (of two for a key the later one stays), all or nothing, and returns the new root once
  // they are on the disk. The height must be greater than that of the last commit; the first may be 0.
  // After an error of the disk the store refuses every further commit: whether the block is there is known when the
  // folder is opened again.
  base::Result<base::Hash> commit(std::span<const Write> writes, std::uint64_t height, base::ByteView metadata = {});

  // The same in two steps, for whoever must know the root before anything is written. The state must not have changed
  // between them. Notes are entries beside the state, written with it and not under its root; of two for a key the
  // later one stays.
  base::Result<PreparedCommit> prepare(std::vector<Write> writes) const;
  base::Status commit(const PreparedCommit& prepared, std::uint64_t height, base::ByteView metadata,
                      std::span<const Write> notes = {});
  // The note of a key as the last commit left it, or nothing.
  base::Result<std::optional<base::Bytes>> note(base::ByteView key) const;

  CommittedState state() const;
  base::Hash root() const { return state().root; }
  std::uint64_t height() const { return state().height; }

  base::Result<std::unique_ptr<StateSnapshot>> snapshot() const;
  // Of the state of the last commit; snapshot() for several reads of one state, or to know which it was.
  base::Result<ProvenValue> prove(base::ByteView key) const;

  // Reads everything and compares it with the root: an error says what is damaged.
  base::Status check() const;

 private:
  struct Database;
  friend base::Result<SnapshotHeader> import_snapshot(const std::filesystem::path& file,
                                                      const std::filesystem::path& folder,
                                                      const std::optional<base::Hash>& trusted_root,
                                                      const StateStoreOptions& options);
  explicit StateStore(std::unique_ptr<Database> database);
  // The two steps, without a look at the height, which may be the last one again for a state that is imported in parts.
  // The caller holds the lock, or is alone.
  base::Result<base::Hash> apply(std::vector<Write> writes, std::uint64_t height, base::ByteView metadata);
  base::Result<PreparedCommit> work_out(std::vector<Write> writes) const;
  base::Status write(const PreparedCommit& prepared, std::uint64_t height, base::ByteView metadata,
                     std::span<const Write> notes);
  base::Status check_height(std::uint64_t height) const;
  std::unique_ptr<Database> database_;
};

}  // namespace starling::store
