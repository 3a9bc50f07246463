#include "store/page_cache.h"

#include <utility>

namespace starling::store {
namespace {

constexpr std::size_t kFewNodes = 5;
// What the tables need for a page.
constexpr std::size_t kEntryBytes = 192;

std::string text_of(const PageName& name) {
  const base::Bytes bytes = name.encode();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::size_t PageCache::Kept::size() const {
  return kEntryBytes + bytes.capacity() + (page == nullptr ? 0 : sizeof(Page));
}

PageCache::PageCache(std::size_t bytes) : most_(bytes / kPageNodes) {}

std::optional<Page> PageCache::find(const PageName& name) {
  Shard& shard = this->shard(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.pages.find(text_of(name));
  if (found == shard.pages.end()) return std::nullopt;
  Kept& kept = found->second;
  shard.uses.splice(shard.uses.begin(), shard.uses, kept.use);
  if (kept.page != nullptr) return *kept.page;
  base::Result<Page> page = Page::decode(kept.bytes);
  if (!page.ok()) base::halt("a page in memory changed by itself");
  return *page;
}

void PageCache::put(const PageName& name, const Page& page) {
  Shard& shard = this->shard(name);
  const std::lock_guard lock(shard.mutex);
  const auto [at, added] = shard.pages.try_emplace(text_of(name));
  Kept& kept = at->second;
  if (added) {
    shard.uses.push_front(&at->first);
    kept.use = shard.uses.begin();
  } else {
    shard.bytes -= kept.size();
    shard.uses.splice(shard.uses.begin(), shard.uses, kept.use);
  }
  if (page.nodes() <= kFewNodes) {
    kept.page.reset();
    kept.bytes = page.encode();
  } else if (kept.page != nullptr) {
    *kept.page = page;
  } else {
    kept.bytes = {};
    kept.page = std::make_unique<Page>(page);
  }
  shard.bytes += kept.size();
  while (shard.bytes > most_ && !shard.uses.empty()) erase(shard, std::string(*shard.uses.back()));
}

void PageCache::erase(Shard& shard, const std::string& name) {
  const auto found = shard.pages.find(name);
  if (found == shard.pages.end()) return;
  shard.bytes -= found->second.size();
  shard.uses.erase(found->second.use);
  shard.pages.erase(found);
}

void PageCache::erase(const PageName& name) {
  Shard& shard = this->shard(name);
  const std::lock_guard lock(shard.mutex);
  erase(shard, text_of(name));
}

void PageCache::clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.pages.clear();
    shard.uses.clear();
    shard.bytes = 0;
  }
}

}  // namespace starling::store
