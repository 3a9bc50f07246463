#include "store/tree_nodes.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <utility>

namespace starling::store {

class TreeNode {
 public:
  mutable std::atomic<std::uint32_t> holders = 0;
  bool leaf = false;
  // Of a fork at the depth of a page: whether the page is on the disk. Only store_pages() changes it later.
  mutable bool stored = false;
  base::Hash hash;
};

namespace {

class LeafNode : public TreeNode {
 public:
  Leaf content;
};

void read_ahead(const Tree& tree) {
  if (!tree.empty()) __builtin_prefetch(tree.get());
}

// Without children it is on the disk only.
class ForkNode : public TreeNode {
 public:
  Tree left;
  Tree right;
  bool loaded() const { return !left.empty() || !right.empty(); }
  ~ForkNode() {
    read_ahead(left);
    read_ahead(right);
  }
};

}  // namespace

Tree::Tree(const TreeNode* node) : node_(node) {
  if (node_ != nullptr) node_->holders.fetch_add(1, std::memory_order_relaxed);
}

Tree::Tree(const Tree& other) : Tree(other.node_) {}

Tree::~Tree() {
  if (node_ == nullptr || node_->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (node_->leaf) {
    delete static_cast<const LeafNode*>(node_);
  } else {
    delete static_cast<const ForkNode*>(node_);
  }
}

namespace {

using Changes = std::span<const LeafChange>;
using Slots = std::array<Tree, kPageNodes>;

bool is_leaf(const Tree& node) { return !node.empty() && node->leaf; }
bool is_fork(const Tree& node) { return !node.empty() && !node->leaf; }
const Leaf& leaf_of(const Tree& node) { return static_cast<const LeafNode*>(node.get())->content; }
const ForkNode& fork_of(const Tree& node) { return *static_cast<const ForkNode*>(node.get()); }
const base::Hash& hash_of(const Tree& node) { return node.empty() ? kEmptyHash : node->hash; }

Tree make_leaf(const Leaf& leaf) {
  auto* const node = new LeafNode;
  node->leaf = true;
  node->hash = leaf_hash(leaf);
  node->content = leaf;
  return Tree(node);
}

Tree make_fork(const base::Hash& hash, Tree left, Tree right, bool stored) {
  auto* const node = new ForkNode;
  node->hash = hash;
  node->stored = stored;
  node->left = std::move(left);
  node->right = std::move(right);
  return Tree(node);
}

// As join() of tree.h.
Tree join_trees(Tree left, Tree right) {
  if (left.empty() && !is_fork(right)) return right;
  if (right.empty() && !is_fork(left)) return left;
  const base::Hash hash = fork_hash(hash_of(left), hash_of(right));
  return make_fork(hash, std::move(left), std::move(right), false);
}

Tree join_slots(std::span<Tree> slots) {
  if (slots.size() == 1) return std::move(slots.front());
  const std::size_t half = slots.size() / 2;
  Tree left = join_slots(slots.first(half));
  return join_trees(std::move(left), join_slots(slots.subspan(half)));
}

// The fork of a page, as it lies on the disk, with the levels that the page holds.
base::Result<Tree> load(const Tree& fork, const PageName& name, const PageReader& reader) {
  STARLING_ASSIGN(const Page page, reader.read(name));
  Slots slots;
  std::ranges::transform(page, slots.begin(), tree_of);
  Tree loaded = join_slots(slots);
  if (!is_fork(loaded) || loaded->hash != fork->hash) {
    return base::corrupt("page " + base::to_hex(name.encode()) + " of the state's tree does not match its hash");
  }
  loaded->stored = true;
  return loaded;
}

// What lies in the page of a node, at its depth: `first` slot and `count` of them are below the node.
void spread(const Tree& node, std::size_t depth, Slots& slots, std::size_t first = 0, std::size_t count = kPageNodes) {
  if (node.empty()) return;
  if (node->leaf) {
    slots[path_nibble(leaf_of(node).path, depth)] = node;
  } else if (count == 1) {
    slots[first] = node;
  } else {
    spread(fork_of(node).left, depth, slots, first, count / 2);
    spread(fork_of(node).right, depth, slots, first + count / 2, count / 2);
  }
}

std::int64_t leaf_count(const Tree& node) { return is_leaf(node) ? 1 : 0; }

constexpr std::size_t kTouched = 64;  // changes: what their ways bring into the cache is still there when they are made

// Reads ahead what an update will read, for all its changes side by side, since each node is far from the one before.
void touch(const Tree& top, std::size_t depth, Changes changes) {
  std::array<const TreeNode*, kTouched> nodes;
  for (std::size_t i = 0; i < changes.size(); ++i) nodes[i] = top.get();
  for (bool deeper = true; deeper && depth < kPathBits; ++depth) {
    deeper = false;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (nodes[i] == nullptr || nodes[i]->leaf) continue;
      const auto& fork = static_cast<const ForkNode&>(*nodes[i]);
      read_ahead(fork.left);
      read_ahead(fork.right);
      nodes[i] = (path_bit(changes[i].path, depth) ? fork.right : fork.left).get();
      deeper = true;
    }
  }
}

class Updater {
 public:
  explicit Updater(const PageReader& reader) : reader_(reader) {}

  // After a failure what comes out is of no use.
  Tree update(const Tree& node, std::size_t depth, Changes changes) {
    if (changes.empty() || !status_.ok()) return node;
    if (!is_fork(node)) {
      if (std::optional<Tree> small = small_result(node, changes)) {
        leaves_ += leaf_count(*small) - leaf_count(node);
        return *std::move(small);
      }
    }
    // Different paths differ in some bit, and a fork at the very end is damage.
    if (depth == kPathBits) return fail(base::corrupt("the state's tree is deeper than a path is long"));
    const Tree nothing;
    Tree from_disk;
    const Tree* before = &node;
    const Tree* left = &nothing;
    const Tree* right = &nothing;
    if (is_fork(node)) {
      if (!fork_of(node).loaded()) {
        from_disk = loaded(node, depth, changes.front().path);
        if (from_disk.empty()) return node;
        before = &from_disk;
      }
      left = &fork_of(*before).left;
      right = &fork_of(*before).right;
    } else if (!node.empty()) {
      (path_bit(leaf_of(node).path, depth) ? right : left) = &node;
    }
    const auto middle =
        std::ranges::partition_point(changes, [&](const LeafChange& change) { return !path_bit(change.path, depth); });
    const auto count = static_cast<std::size_t>(middle - changes.begin());
    Tree new_left = update_side(*left, depth + 1, changes.first(count), changes.size());
    Tree new_right = update_side(*right, depth + 1, changes.subspan(count), changes.size());
    if (is_fork(node) && new_left == *left && new_right == *right) return *before;
    Tree after = join_trees(std::move(new_left), std::move(new_right));
    note(node, after, depth, changes.front().path);
    return after;
  }

  Tree update_side(const Tree& node, std::size_t depth, Changes changes, std::size_t above) {
    if (above > kTouched && changes.size() <= kTouched) touch(node, depth, changes);
    return update(node, depth, changes);
  }

  // The fork with its children in memory; nothing after a failure.
  Tree loaded(const Tree& fork, std::size_t depth, const base::Hash& path) {
    if (fork_of(fork).loaded()) return fork;
    base::Result<Tree> loaded = load(fork, PageName::on(path, depth / kPageLevels), reader_);
    if (!loaded.ok()) return fail(loaded.error());
    nodes_ += 2 * static_cast<std::int64_t>(kPageNodes);
    return *std::move(loaded);
  }

  // A fork that is none any more has no page.
  void note(const Tree& before, const Tree& after, std::size_t depth, const base::Hash& path) {
    if (depth % kPageLevels == 0 && is_fork(before) && !is_fork(after)) {
      gone_.push_back(PageName::on(path, depth / kPageLevels));
    }
  }

  void give(TreeUpdate& result) {
    result.leaves += leaves_;
    result.nodes += nodes_ + 2 * leaves_;
    std::ranges::move(gone_, std::back_inserter(result.gone));
  }
  const base::Status& status() const { return status_; }

 private:
  // What an empty place or a leaf becomes, if that is an empty place or a leaf again.
  static std::optional<Tree> small_result(const Tree& node, Changes changes) {
    const LeafChange* put = nullptr;
    bool kept = !node.empty();
    for (const LeafChange& change : changes) {
      if (!node.empty() && change.path == leaf_of(node).path) kept = false;
      if (!change.value_hash) continue;
      if (put != nullptr) return std::nullopt;
      put = &change;
    }
    if (put == nullptr) return kept ? node : Tree();
    if (kept) return std::nullopt;
    const Leaf leaf{put->path, *put->value_hash};
    return !node.empty() && leaf_of(node) == leaf ? node : make_leaf(leaf);
  }

  Tree fail(const base::Error& error) {
    status_ = error;
    return {};
  }

  const PageReader& reader_;
  base::Status status_;
  std::vector<PageName> gone_;
  std::int64_t leaves_ = 0;
  std::int64_t nodes_ = 0;
};

// The changes below one of the 16 ways from the top. They are in the order of their paths.
std::array<Changes, kPageNodes> by_nibble(Changes changes) {
  std::array<Changes, kPageNodes> parts;
  for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) {
    const auto end = std::ranges::partition_point(
        changes, [&](const LeafChange& change) { return path_nibble(change.path, 0) <= nibble; });
    const auto count = static_cast<std::size_t>(end - changes.begin());
    parts[nibble] = changes.first(count);
    changes = changes.subspan(count);
  }
  return parts;
}

void store_below(const Tree& node, const PageName& name,
                 const std::function<void(const PageName& name, const Page& page)>& store) {
  if (!is_fork(node) || node->stored) return;
  Slots slots;
  spread(node, name.depth, slots);
  Page page;
  std::ranges::transform(slots, page.begin(), top_of);
  store(name, page);
  for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) store_below(slots[nibble], name.child(nibble), store);
  node->stored = true;
}

Tree forget_below(const Tree& node, std::size_t depth) {
  if (!is_fork(node) || !fork_of(node).loaded()) return node;
  if (depth % kPageLevels == 0 && node->stored) return make_fork(node->hash, {}, {}, true);
  const ForkNode& fork = fork_of(node);
  Tree left = forget_below(fork.left, depth + 1);
  Tree right = forget_below(fork.right, depth + 1);
  if (left == fork.left && right == fork.right) return node;
  return make_fork(fork.hash, std::move(left), std::move(right), fork.stored);
}

}  // namespace

Tree tree_of(const Node& top) {
  if (top.kind == Node::Kind::kEmpty) return {};
  if (top.kind == Node::Kind::kLeaf) return make_leaf(top.leaf);
  return make_fork(top.fork, {}, {}, true);
}

Node top_of(const Tree& tree) {
  if (tree.empty()) return {};
  if (tree->leaf) return Node::of(leaf_of(tree));
  return {Node::Kind::kFork, {}, tree->hash};
}

base::Result<TreeUpdate> update_tree(const Tree& tree, Changes changes, const PageReader& reader,
                                     base::ThreadPool* pool) {
  TreeUpdate result;
  Updater top(reader);
  constexpr std::size_t kWorthThreads = 64;
  if (pool == nullptr || changes.size() < kWorthThreads) {
    result.tree = top.update(tree, 0, changes);
    STARLING_TRY(top.status());
    top.give(result);
    return result;
  }
  Slots slots;
  if (is_fork(tree)) {
    const Tree loaded = top.loaded(tree, 0, {});
    STARLING_TRY(top.status());
    spread(loaded, 0, slots);
  } else {
    spread(tree, 0, slots);
  }
  const auto parts = by_nibble(changes);
  std::vector<Updater> below(kPageNodes, Updater(reader));
  pool->run(kPageNodes, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t nibble = begin; nibble < end; ++nibble) {
      slots[nibble] = below[nibble].update(slots[nibble], kPageLevels, parts[nibble]);
    }
  });
  for (Updater& updater : below) {
    STARLING_TRY(updater.status());
    updater.give(result);
  }
  result.tree = join_slots(slots);
  top.note(tree, result.tree, 0, {});
  top.give(result);
  return result;
}

void store_pages(const Tree& tree, const std::function<void(const PageName& name, const Page& page)>& store) {
  store_below(tree, {}, store);
}

Tree forget_stored(const Tree& tree) { return forget_below(tree, 0); }

base::Result<TreeWay> follow_path(const Tree& tree, const base::Hash& path, const PageReader& reader) {
  TreeWay way;
  Tree node = tree;
  for (std::size_t depth = 0; is_fork(node); ++depth) {
    if (depth == kPathBits) return base::corrupt("the state's tree is deeper than a path is long");
    if (!fork_of(node).loaded()) {
      STARLING_ASSIGN(node, load(node, PageName::on(path, depth / kPageLevels), reader));
    }
    const ForkNode& fork = fork_of(node);
    const bool right = path_bit(path, depth);
    way.siblings.push_back(hash_of(right ? fork.left : fork.right));
    node = Tree(right ? fork.right : fork.left);
  }
  way.end = top_of(node);
  return way;
}

}  // namespace starling::store
