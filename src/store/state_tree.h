#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "store/state_database.h"
#include "store/tree_nodes.h"

namespace starling::store {

// The pages in a state's folder, as they are or were when the snapshot was taken. Both must outlive it.
class StoredPages : public PageReader {
 public:
  explicit StoredPages(const StateDatabase& database, const rocksdb::Snapshot* snapshot = nullptr)
      : database_(database), snapshot_(snapshot) {}
  base::Result<Page> read(const PageName& name) const override;
  // The node at the top of the tree that the pages are of, and after which commit it was so.
  struct Top {
    std::uint64_t commit = 0;
    Node node;
  };
  base::Result<Top> top() const;

 private:
  const StateDatabase& database_;
  const rocksdb::Snapshot* snapshot_;
};

// The tree over a state's entries, as it is after each commit. It is in memory; a commit writes down the leaves that it
// changed, and the pages follow, those of many commits at once and by a thread of their own; only a commit of very many
// leaves waits for them. Opening applies what the pages lack. Commits are numbered one after another, and made by one
// caller at a time; at() is thread safe.
class StateTree {
 public:
  // bytes: beyond so many in memory, what is on the disk is forgotten. unwritten: changed leaves after which pages are
  // written.
  StateTree(StateDatabase& database, base::ThreadPool& pool, std::size_t bytes, std::size_t unwritten);
  // Waits for the pages that are being written.
  ~StateTree();
  StateTree(const StateTree&) = delete;
  StateTree& operator=(const StateTree&) = delete;

  // The tree after this commit, which is the last one; an error unless it has this node at its top.
  base::Status open(std::uint64_t commit, const Node& top);

  Node top() const { return top_of(current_.tree); }
  // What comes of changes, in the order of their paths.
  base::Result<TreeUpdate> update(std::span<const LeafChange> changes);

  // A commit of an update: what its batch must write, before it is written, and after.
  void begin(std::uint64_t commit, const TreeUpdate& update, std::span<const LeafChange> changes,
             StateDatabase::Batch& batch);
  // An error when pages could not be written: then no commit may follow.
  base::Status finish(const TreeUpdate& update, std::size_t changes);

  // The tree after a commit, if it is the last one or the one under way.
  std::optional<Tree> at(std::uint64_t commit) const;

 private:
  struct Version {
    std::uint64_t commit = 0;
    Tree tree;
  };
  base::Status write_pages(const Version& version, const std::vector<PageName>& gone);
  bool writing_pages() const;

  StateDatabase& database_;
  base::ThreadPool& pool_;
  const std::int64_t most_nodes_;
  const std::size_t most_unwritten_;
  mutable std::mutex mutex_;   // of current_ and next_, held for moments when they change
  Version current_;            // changed by whoever commits
  Version next_;               // of the commit under way
  std::int64_t nodes_ = 0;     // about how many are in memory
  std::size_t unwritten_ = 0;  // changed leaves since pages were written
  std::vector<PageName> gone_;
  std::future<base::Status> pages_;  // those that are being written
};

}  // namespace starling::store
