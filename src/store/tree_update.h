#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "store/tree_page.h"

namespace starling::store {

struct LeafChange {
  base::Hash path;
  std::optional<base::Hash> value_hash;  // none: erased
};

struct PageWrite {
  base::Bytes name;                    // PageName::encode()
  std::optional<base::Bytes> content;  // none: erased
};

struct TreeUpdate {
  Node root;
  std::vector<PageWrite> pages;  // each page once, in the order of their names
  std::int64_t leaves = 0;       // how many more there are than before
};

// Applies changes, which are in the order of their paths and all different, to the tree whose root and pages are given.
// Each page on the way is read, hashed and written once. With a pool, its threads share the work.
base::Result<TreeUpdate> update_tree(const Node& root, std::span<const LeafChange> changes, const PageReader& reader,
                                     base::ThreadPool* pool);

}  // namespace starling::store
