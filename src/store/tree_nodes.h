#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "store/tree_page.h"

namespace starling::store {

// A tree in memory. Its nodes never change: an update makes new ones on the way to what it changes and shares the rest,
// so whoever holds a tree has it as it was. Forks at the depth of a page, with all below, may be on the disk only.
class TreeNode;

// A tree by its top node, which counts those who hold it, so that a fork takes one line of the cache.
class Tree {
 public:
  Tree() = default;  // no entry
  explicit Tree(const TreeNode* node);
  Tree(const Tree& other);
  Tree(Tree&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Tree& operator=(Tree other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Tree();

  bool empty() const { return node_ == nullptr; }
  const TreeNode* get() const { return node_; }
  const TreeNode* operator->() const { return node_; }
  bool operator==(const Tree& other) const = default;  // the same node

 private:
  const TreeNode* node_ = nullptr;
};

// A tree of which the node at the top is in memory.
Tree tree_of(const Node& top);
Node top_of(const Tree& tree);

struct LeafChange {
  base::Hash path;
  std::optional<base::Hash> value_hash;  // none: erased
};

struct TreeUpdate {
  Tree tree;
  std::int64_t leaves = 0;     // how many more there are than before
  std::int64_t nodes = 0;      // about how many more are in memory
  std::vector<PageName> gone;  // pages whose fork is none any more, if they were ever stored
};

// Applies changes, which are in the order of their paths and all different. With a pool, its threads share the work.
base::Result<TreeUpdate> update_tree(const Tree& tree, std::span<const LeafChange> changes, const PageReader& reader,
                                     base::ThreadPool* pool);

// Gives the pages that were made since this was last called for this tree or one that it came from, and takes them as
// stored. One caller at a time, and none beside forget_stored().
void store_pages(const Tree& tree, const std::function<void(const PageName& name, const Page& page)>& store);
// The same tree, with nothing in memory of what is stored.
Tree forget_stored(const Tree& tree);

// What lies on the way of a path.
struct TreeWay {
  std::vector<base::Hash> siblings;  // of the forks on it, from the top
  Node end;                          // empty or a leaf
};
base::Result<TreeWay> follow_path(const Tree& tree, const base::Hash& path, const PageReader& reader);

}  // namespace starling::store
