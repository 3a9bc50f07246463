#include "store/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "base/thread_pool.h"
#include "store/state_proof.h"
#include "store/tree_nodes.h"

namespace starling::store {
namespace {

using base::Bytes;
using base::Hash;

// A hash that begins with these bits, given as text of 0 and 1.
Hash path_with(std::string_view bits, std::uint8_t last = 0) {
  Hash path;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == '1') path.bytes[i / 8] |= static_cast<std::uint8_t>(0x80U >> (i % 8));
  }
  path.bytes[31] ^= last;
  return path;
}

Hash value_of(int number) { return base::sha256(base::as_bytes(std::to_string(number))); }

// Pages in memory, and the leaves that they should amount to.
class Pages : public PageReader {
 public:
  base::Result<Page> read(const PageName& name) const override {
    const auto found = pages_.find(text(name.encode()));
    if (found == pages_.end()) return base::corrupt("no page " + base::to_hex(name.encode()));
    return decode_page(found->second);
  }

  void apply(const std::map<Hash, std::optional<Hash>>& changes, base::ThreadPool* pool) {
    std::vector<LeafChange> list;
    for (const auto& [path, value] : changes) {
      list.push_back({path, value});
      if (value) {
        leaves_[path] = *value;
      } else {
        leaves_.erase(path);
      }
    }
    auto update = update_tree(tree_, list, *this, pool);
    ASSERT_TRUE(update.ok()) << update.error().message;
    tree_ = update->tree;
    count_ += update->leaves;
    gone_.insert(gone_.end(), update->gone.begin(), update->gone.end());
  }

  void store() {
    for (const PageName& name : gone_) pages_.erase(text(name.encode()));
    gone_.clear();
    store_pages(tree_,
                [&](const PageName& name, const Page& page) { pages_[text(name.encode())] = encode_page(page); });
    store_pages(tree_, [&](const PageName& name, const Page& /*page*/) {
      ADD_FAILURE() << "stored twice: " << text(name.encode());
    });
  }
  // Leaves in memory what is not stored.
  void forget() {
    tree_ = forget_stored(tree_);
    EXPECT_EQ(top_of(tree_), top_of(forget_stored(tree_)));
  }

  std::vector<Leaf> leaves() const {
    std::vector<Leaf> list;
    for (const auto& [path, value] : leaves_) list.push_back({path, value});
    return list;
  }

  // Root and count are those of a tree that was made of the same leaves at once, and so are pages when all are stored.
  void expect_canonical() const {
    EXPECT_EQ(root().hash(), tree_root(leaves()));
    EXPECT_EQ(count_, static_cast<std::int64_t>(leaves_.size()));
  }
  void expect_canonical_pages() const {
    Pages fresh;
    std::map<Hash, std::optional<Hash>> all(leaves_.begin(), leaves_.end());
    fresh.apply(all, nullptr);
    fresh.store();
    EXPECT_EQ(fresh.pages_, pages_);
  }

  Node root() const { return top_of(tree_); }
  const Tree& tree() const { return tree_; }
  const std::map<Hash, Hash>& entries() const { return leaves_; }
  std::size_t page_count() const { return pages_.size(); }

 private:
  static std::string text(const Bytes& bytes) { return base::to_hex(bytes); }
  std::map<std::string, Bytes> pages_;
  std::map<Hash, Hash> leaves_;
  std::vector<PageName> gone_;
  Tree tree_;
  std::int64_t count_ = 0;
};

TEST(Tree, HashesAreAsDescribed) {
  EXPECT_EQ(tree_root({}), Hash{});
  const Leaf left{path_with("00"), value_of(1)};
  const Leaf right{path_with("01"), value_of(2)};
  Bytes message = {0x10};
  message.insert(message.end(), left.path.bytes.begin(), left.path.bytes.end());
  message.insert(message.end(), left.value_hash.bytes.begin(), left.value_hash.bytes.end());
  EXPECT_EQ(leaf_hash(left), base::sha256(message));
  EXPECT_EQ(tree_root(std::vector{left}), leaf_hash(left));
  message = {0x11};
  for (const Leaf& leaf : {left, right}) {
    const Hash hash = leaf_hash(leaf);
    message.insert(message.end(), hash.bytes.begin(), hash.bytes.end());
  }
  const Hash fork = base::sha256(message);
  EXPECT_EQ(fork_hash(leaf_hash(left), leaf_hash(right)), fork);
  // Both paths begin with 0, so the fork is the root's left child and its right one is empty.
  EXPECT_EQ(tree_root(std::vector{left, right}), fork_hash(fork, Hash{}));
  const Leaf far{path_with("1"), value_of(3)};
  EXPECT_EQ(tree_root(std::vector{left, right, far}), fork_hash(fork, leaf_hash(far)));
}

// Every set of changes to every set of five leaves, among them two that share all but their last bits.
TEST(TreeUpdate, SmallTreesExhaustively) {
  const std::vector<Hash> paths = {path_with("0000"), path_with("0000", 1), path_with("0001"),
                                   path_with("0000000000001"), path_with("1")};
  const unsigned all = 1U << paths.size();
  for (unsigned before = 0; before < all; ++before) {
    Pages base;
    std::map<Hash, std::optional<Hash>> inserts;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (((before >> i) & 1U) != 0) inserts[paths[i]] = value_of(0);
    }
    base.apply(inserts, nullptr);
    base.store();
    if (before % 2 == 0) base.forget();
    for (unsigned after = 0; after < all; ++after) {
      Pages pages = base;
      std::map<Hash, std::optional<Hash>> changes;
      for (std::size_t i = 0; i < paths.size(); ++i) {
        const bool had = ((before >> i) & 1U) != 0;
        const bool has = ((after >> i) & 1U) != 0;
        if (has && (!had || i % 2 == 0)) changes[paths[i]] = value_of(1);
        if (!has && (had || i % 2 == 1)) changes[paths[i]] = std::nullopt;
      }
      pages.apply(changes, nullptr);
      pages.expect_canonical();
      pages.store();
      pages.expect_canonical_pages();
      if (HasFailure()) FAIL() << "from " << before << " to " << after;
    }
  }
}

TEST(TreeUpdate, HistoryDoesNotShow) {
  std::mt19937_64 random(7);
  base::ThreadPool pool(3);
  for (const std::size_t size : {10U, 300U, 3000U}) {
    Pages pages;
    for (int round = 0; round < 12; ++round) {
      std::map<Hash, std::optional<Hash>> changes;
      // The last rounds take away more than they add, down to nothing.
      const bool shrink = round >= 8;
      for (std::size_t i = 0; i < size / 4; ++i) {
        const Hash path = path_of(base::as_bytes(std::to_string(random() % size)));
        if (random() % 4 == 0 || shrink) {
          changes[path] = std::nullopt;
        } else {
          changes[path] = value_of(static_cast<int>(random() % 1000));
        }
      }
      if (round == 11) {
        for (const auto& [path, value] : pages.entries()) changes[path] = std::nullopt;
      }
      pages.apply(changes, round % 2 == 0 ? &pool : nullptr);
      pages.expect_canonical();
      if (round % 3 == 1) pages.forget();
      if (round % 4 < 2) {
        pages.store();
        pages.expect_canonical_pages();
      }
      if (round % 3 == 0) pages.forget();
    }
    pages.store();
    EXPECT_EQ(pages.root(), Node());
    EXPECT_EQ(pages.page_count(), 0U);
  }
}

class ProofTest : public testing::Test {
 protected:
  static Bytes key(int number) {
    const std::string text = "key " + std::to_string(number);
    return {text.begin(), text.end()};
  }
  static Bytes value(int number) {
    const std::string text = "value " + std::to_string(number);
    return {text.begin(), text.end()};
  }
  // Keys 0 to count - 1.
  static Pages state(int count) {
    std::map<Hash, std::optional<Hash>> changes;
    for (int i = 0; i < count; ++i) changes[path_of(key(i))] = base::sha256(value(i));
    Pages pages;
    pages.apply(changes, nullptr);
    if (count % 2 == 0) {
      pages.store();
      pages.forget();
    }
    return pages;
  }
};

TEST_F(ProofTest, ShowsWhatIsThereAndWhatIsNot) {
  bool ends[3] = {};
  for (const int count : {0, 1, 2, 3, 17, 200}) {
    const Pages pages = state(count);
    const Hash root = pages.root().hash();
    for (int i = 0; i < count + 200; ++i) {
      auto proof = make_proof(pages.tree(), path_of(key(i)), pages);
      ASSERT_TRUE(proof.ok());
      ends[static_cast<int>(proof->end)] = true;
      const auto decoded = decode_proof(encode_proof(*proof));
      ASSERT_TRUE(decoded.ok());
      EXPECT_EQ(*decoded, *proof);
      const bool there = i < count;
      EXPECT_EQ(verify_proof(root, key(i), value(i), *proof), there);
      EXPECT_EQ(verify_proof(root, key(i), std::nullopt, *proof), !there);
      EXPECT_FALSE(verify_proof(root, key(i), value(i + 1), *proof));
      EXPECT_FALSE(verify_proof(base::sha256(root.bytes), key(i), value(i), *proof));
      EXPECT_FALSE(verify_proof(base::sha256(root.bytes), key(i), std::nullopt, *proof));
      EXPECT_FALSE(verify_proof(root, key(i + 1), value(i), *proof));
    }
  }
  EXPECT_TRUE(ends[0] && ends[1] && ends[2]);
}

// A proof that something else lies at a place on the way does not show that an entry is missing.
TEST_F(ProofTest, OtherLeavesMustLieOnThePath) {
  const Pages pages = state(50);
  const Hash root = pages.root().hash();
  for (int present = 0; present < 50; ++present) {
    const auto proof = make_proof(pages.tree(), path_of(key(present)), pages);
    StateProof forged = *proof;
    forged.end = StateProof::End::kOtherLeaf;
    forged.other = {path_of(key(present)), base::sha256(value(present))};
    EXPECT_FALSE(verify_proof(root, key(present), std::nullopt, forged));
    for (int other = 50; other < 60; ++other) {
      EXPECT_EQ(verify_proof(root, key(other), std::nullopt, forged),
                make_proof(pages.tree(), path_of(key(other)), pages)->other == forged.other);
    }
  }
}

TEST_F(ProofTest, EveryChangedByteIsFound) {
  const Pages pages = state(40);
  const Hash root = pages.root().hash();
  for (const int number : {3, 45, 46, 47, 48, 49}) {
    const Bytes encoded = encode_proof(*make_proof(pages.tree(), path_of(key(number)), pages));
    std::optional<base::ByteView> claimed;
    const Bytes bytes = value(number);
    if (number < 40) claimed = bytes;
    for (std::size_t at = 0; at < encoded.size(); ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        Bytes changed = encoded;
        changed[at] ^= static_cast<std::uint8_t>(1U << bit);
        const auto proof = decode_proof(changed);
        if (!proof.ok()) continue;
        EXPECT_EQ(encode_proof(*proof), changed);
        EXPECT_FALSE(verify_proof(root, key(number), claimed, *proof));
      }
      EXPECT_FALSE(decode_proof(base::ByteView(encoded).first(at)).ok());
    }
    Bytes longer = encoded;
    longer.push_back(0);
    EXPECT_FALSE(decode_proof(longer).ok());
  }
}

TEST_F(ProofTest, DeepestProofIsBounded) {
  StateProof proof;
  proof.siblings.assign(kPathBits, value_of(1));
  proof.end = StateProof::End::kOtherLeaf;
  EXPECT_EQ(encode_proof(proof).size(), kMaxProofBytes);
  EXPECT_TRUE(decode_proof(encode_proof(proof)).ok());
  proof.siblings.push_back(value_of(1));
  EXPECT_FALSE(decode_proof(encode_proof(proof)).ok());
  EXPECT_FALSE(verify_proof({}, key(1), std::nullopt, proof));
}

// A tree stays as it was, whatever becomes of it.
TEST(TreeUpdate, ATreeIsNotChangedByUpdates) {
  Pages pages;
  std::map<Hash, std::optional<Hash>> changes;
  for (int i = 0; i < 500; ++i) changes[path_of(base::as_bytes(std::to_string(i)))] = value_of(i);
  pages.apply(changes, nullptr);
  const Tree before = pages.tree();
  const Hash root = pages.root().hash();
  for (auto& [path, value] : changes) value = path.bytes[0] % 2 == 0 ? std::optional<Hash>() : value_of(1);
  pages.apply(changes, nullptr);
  EXPECT_NE(pages.root().hash(), root);
  EXPECT_EQ(top_of(before).hash(), root);
  for (int i = 0; i < 500; ++i) {
    const auto way = follow_path(before, path_of(base::as_bytes(std::to_string(i))), pages);
    ASSERT_TRUE(way.ok());
    EXPECT_EQ(way->end.leaf.value_hash, value_of(i));
  }
}

// A page that is not the one its fork was made of never passes.
TEST(TreeUpdate, PagesAreHeldToTheirHashes) {
  class Damaged : public PageReader {
   public:
    base::Result<Page> read(const PageName& /*name*/) const override { return page; }
    Page page{};
  };
  Damaged damaged;
  damaged.page[3] = Node::of({path_with("0011"), value_of(1)});
  damaged.page[4] = Node::of({path_with("0100"), value_of(2)});
  const Node top = fold(damaged.page);
  const LeafChange change{path_with("1"), value_of(3)};
  EXPECT_TRUE(update_tree(tree_of(top), {&change, 1}, damaged, nullptr).ok());
  EXPECT_TRUE(follow_path(tree_of(top), change.path, damaged).ok());
  damaged.page[4].leaf.value_hash = value_of(3);
  EXPECT_FALSE(update_tree(tree_of(top), {&change, 1}, damaged, nullptr).ok());
  EXPECT_FALSE(follow_path(tree_of(top), change.path, damaged).ok());
  damaged.page = {};
  EXPECT_FALSE(update_tree(tree_of(top), {&change, 1}, damaged, nullptr).ok());
}

TEST(Page, RefusesWhatItDoesNotWrite) {
  Page page;
  page[3] = Node::of({value_of(1), value_of(2)});
  page[9] = {Node::Kind::kFork, {}, value_of(3)};
  const Bytes encoded = encode_page(page);
  EXPECT_EQ(encoded.size(), 4U + 64 + 32);
  ASSERT_TRUE(decode_page(encoded).ok());
  EXPECT_EQ(*decode_page(encoded), page);
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(decode_page(base::ByteView(encoded).first(size)).ok());
  }
  Bytes leaf_nowhere = encoded;
  leaf_nowhere[2] |= 1U;
  EXPECT_FALSE(decode_page(leaf_nowhere).ok());
}

}  // namespace
}  // namespace starling::store
