#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/tree_page.h"

namespace starling::store {

// Pages of the newest tree in memory, the ones used last, with the hashes that were computed from them. Thread safe.
class PageCache {
 public:
  explicit PageCache(std::size_t bytes);
  std::optional<Page> find(const PageName& name);
  void put(const PageName& name, const Page& page);
  void erase(const PageName& name);
  void clear();

 private:
  // A page of few nodes, as most at the ends of the tree are, takes less room as its bytes.
  struct Kept {
    std::unique_ptr<Page> page;
    base::Bytes bytes;
    std::list<const std::string*>::iterator use;
    std::size_t size() const;
  };
  // The pages below one of the 16 ways from the top, so that threads that share an update do not meet.
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Kept> pages;
    std::list<const std::string*> uses;  // names of pages, the last used first
    std::size_t bytes = 0;
  };
  Shard& shard(const PageName& name) { return shards_[name.depth == 0 ? 0 : path_nibble(name.path, 0)]; }
  static void erase(Shard& shard, const std::string& name);

  std::size_t most_;  // bytes of a shard
  std::array<Shard, kPageNodes> shards_;
};

}  // namespace starling::store
