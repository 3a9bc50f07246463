#include "store/tree_update.h"

#include <algorithm>
#include <array>
#include <utility>

namespace starling::store {
namespace {

using Changes = std::span<const LeafChange>;

// The changes below one of a page's 16 nodes. changes all lie below the page.
std::array<Changes, kPageNodes> by_nibble(Changes changes, std::size_t depth) {
  std::array<Changes, kPageNodes> parts;
  for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) {
    const auto end = std::ranges::partition_point(
        changes, [&](const LeafChange& change) { return path_nibble(change.path, depth) <= nibble; });
    const auto count = static_cast<std::size_t>(end - changes.begin());
    parts[nibble] = changes.first(count);
    changes = changes.subspan(count);
  }
  return parts;
}

// What an empty place or a leaf becomes, if that is an empty place or a leaf again.
std::optional<Node> small_result(const Node& node, Changes changes) {
  std::size_t left = 0;
  Node result;
  bool replaced = false;
  for (const LeafChange& change : changes) {
    if (node.kind == Node::Kind::kLeaf && change.path == node.leaf.path) replaced = true;
    if (!change.value_hash) continue;
    if (++left > 1) return std::nullopt;
    result = Node::of({change.path, *change.value_hash});
  }
  if (node.kind == Node::Kind::kLeaf && !replaced) {
    if (++left > 1) return std::nullopt;
    result = node;
  }
  return result;
}

std::int64_t leaf_count(const Node& node) { return node.kind == Node::Kind::kLeaf ? 1 : 0; }

class Updater {
 public:
  explicit Updater(const PageReader& reader) : reader_(reader) {}

  // The page for a node that is a fork or becomes one, before the changes.
  base::Result<Page> page_before(const Node& node, const PageName& name) const {
    if (node.kind == Node::Kind::kFork) return reader_.read(name);
    Page page;
    if (node.kind == Node::Kind::kLeaf) page.set(path_nibble(node.leaf.path, name.depth), node);
    return page;
  }

  base::Result<Node> update(const Node& node, const PageName& name, Changes changes) {
    if (changes.empty()) return node;
    if (node.kind != Node::Kind::kFork) {
      if (const std::optional<Node> small = small_result(node, changes)) {
        leaves_ += leaf_count(*small) - leaf_count(node);
        return *small;
      }
    }
    // Different paths differ in some bit, and a fork at the very end is damage.
    if (name.depth == kMaxPageDepth) return base::corrupt("the state's tree is deeper than a path is long");
    STARLING_ASSIGN(Page page, page_before(node, name));
    const auto parts = by_nibble(changes, name.depth);
    for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) {
      if (parts[nibble].empty()) continue;
      STARLING_ASSIGN(const Node after, update(page[nibble], name.child(nibble), parts[nibble]));
      page.set(nibble, after);
    }
    return close(node, page, name);
  }

  // Writes a page whose nodes are final, or erases it when its leaf moves up.
  Node close(const Node& before, const Page& page, const PageName& name) {
    Node after = page.fold();
    if (after.kind == Node::Kind::kFork) {
      if (after != before) {
        pages_.push_back({name.encode(), page.encode()});
        reader_.updated(name, &page);
      }
    } else if (before.kind == Node::Kind::kFork) {
      pages_.push_back({name.encode(), std::nullopt});
      reader_.updated(name, nullptr);
    }
    return after;
  }

  // Updaters give in the order of their paths.
  void give(TreeUpdate& result) {
    result.leaves += leaves_;
    std::ranges::move(pages_, std::back_inserter(result.pages));
  }

 private:
  const PageReader& reader_;
  std::vector<PageWrite> pages_;
  std::int64_t leaves_ = 0;
};

// Pages of one depth come in the order of their paths as it is.
void order_by_name(std::vector<PageWrite>& pages) {
  std::ranges::stable_sort(pages, {}, [](const PageWrite& page) { return page.name.front(); });
}

}  // namespace

base::Result<TreeUpdate> update_tree(const Node& root, std::span<const LeafChange> changes, const PageReader& reader,
                                     base::ThreadPool* pool) {
  TreeUpdate result;
  Updater top(reader);
  constexpr std::size_t kWorthThreads = 64;
  const bool small = root.kind != Node::Kind::kFork && small_result(root, changes).has_value();
  if (pool == nullptr || changes.size() < kWorthThreads || small) {
    STARLING_ASSIGN(result.root, top.update(root, {}, changes));
    top.give(result);
    order_by_name(result.pages);
    return result;
  }
  const PageName name;
  STARLING_ASSIGN(Page page, top.page_before(root, name));
  const auto parts = by_nibble(changes, name.depth);
  std::vector<Updater> below(kPageNodes, Updater(reader));
  std::array<Node, kPageNodes> nodes;
  for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) nodes[nibble] = page[nibble];
  std::array<base::Status, kPageNodes> statuses;
  pool->run(kPageNodes, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t nibble = begin; nibble < end; ++nibble) {
      auto node = below[nibble].update(nodes[nibble], name.child(nibble), parts[nibble]);
      if (node.ok()) {
        nodes[nibble] = *node;
      } else {
        statuses[nibble] = node.error();
      }
    }
  });
  for (const base::Status& status : statuses) STARLING_TRY(status);
  for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) {
    if (nodes[nibble] != page[nibble]) page.set(nibble, nodes[nibble]);
  }
  for (Updater& updater : below) updater.give(result);
  result.root = top.close(root, page, name);
  top.give(result);
  order_by_name(result.pages);
  return result;
}

}  // namespace starling::store
