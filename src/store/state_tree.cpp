#include "store/state_tree.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/encoding.h"

namespace starling::store {
namespace {

// What a node takes, with what the allocator adds.
constexpr std::size_t kNodeBytes = 88;
// Before all names of pages are used up.
constexpr std::uint8_t kTopKey[] = {0xff};

// Journal: by number of the commit, big-endian, the leaves that it changed.
base::Bytes journal_key(std::uint64_t commit) {
  base::Bytes key(8);
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(commit >> (56 - 8 * i));
  return key;
}

std::uint64_t journal_commit(base::ByteView key) {
  std::uint64_t commit = 0;
  for (const std::uint8_t byte : key) commit = commit << 8U | byte;
  return commit;
}

base::Bytes encode_changes(std::span<const LeafChange> changes) {
  base::Encoder encoder;
  for (const LeafChange& change : changes) {
    encoder.u8(change.value_hash.has_value() ? 1 : 0);
    encoder.hash(change.path);
    if (change.value_hash.has_value()) encoder.hash(*change.value_hash);
  }
  return encoder.data();
}

base::Status decode_changes(base::ByteView bytes, std::vector<LeafChange>& changes) {
  base::Decoder decoder(bytes);
  while (decoder.remaining() > 0 && decoder.ok()) {
    const bool there = decoder.u8() != 0;
    LeafChange change{decoder.hash(), std::nullopt};
    if (there) change.value_hash = decoder.hash();
    changes.push_back(change);
  }
  return decoder.finish();
}

}  // namespace

base::Result<Page> StoredPages::read(const PageName& name) const {
  const base::Bytes key = name.encode();
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, database_.get(Table::kPages, key, snapshot_));
  if (!bytes) {
    return base::corrupt("the state in " + database_.folder().string() + " is damaged (page " + base::to_hex(key) +
                         " of its tree is missing); put a snapshot in its place");
  }
  return decode_page(*bytes);
}

base::Result<StoredPages::Top> StoredPages::top() const {
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, database_.get(Table::kPages, kTopKey, snapshot_));
  if (!bytes) return Top{};
  base::Decoder decoder(*bytes);
  Top top;
  top.commit = decoder.u64();
  STARLING_ASSIGN(top.node, decode_node(decoder));
  STARLING_TRY(decoder.finish());
  return top;
}

StateTree::StateTree(StateDatabase& database, base::ThreadPool& pool, std::size_t bytes, std::size_t unwritten)
    : database_(database),
      pool_(pool),
      most_nodes_(static_cast<std::int64_t>(bytes / kNodeBytes)),
      most_unwritten_(unwritten) {}

StateTree::~StateTree() {
  if (pages_.valid()) pages_.wait();
}

base::Status StateTree::open(std::uint64_t commit, const Node& top) {
  const StoredPages pages(database_);
  const base::Error damaged = base::corrupt("the state in " + database_.folder().string() +
                                            " is damaged (its tree does not match its root); put a snapshot in its "
                                            "place");
  const base::Result<StoredPages::Top> stored = pages.top();
  if (!stored.ok() || stored->commit > commit) return damaged;
  std::vector<LeafChange> changes;
  base::Status read;
  STARLING_TRY(database_.scan(Table::kJournal, {}, {}, [&](base::ByteView key, base::ByteView value) {
    if (journal_commit(key) > stored->commit) read = decode_changes(value, changes);
    return read.ok();
  }));
  if (!read.ok()) return damaged;
  unwritten_ = changes.size();
  // The last change of each leaf.
  std::ranges::reverse(changes);
  std::ranges::stable_sort(changes, {}, &LeafChange::path);
  const auto same = [](const LeafChange& left, const LeafChange& right) { return left.path == right.path; };
  changes.erase(std::unique(changes.begin(), changes.end(), same), changes.end());
  STARLING_ASSIGN(TreeUpdate update, update_tree(tree_of(stored->node), changes, pages, &pool_));
  if (top_of(update.tree) != top) return damaged;
  STARLING_TRY(follow_path(update.tree, {}, pages));
  current_ = {commit, std::move(update.tree)};
  nodes_ = update.nodes;
  gone_ = std::move(update.gone);
  return {};
}

base::Result<TreeUpdate> StateTree::update(std::span<const LeafChange> changes) {
  Tree before = current_.tree;
  if (nodes_ > most_nodes_ && !pages_.valid()) {
    // Not in current_ itself: a snapshot may have been taken before its pages were written.
    before = forget_stored(before);
    nodes_ = 0;
  }
  return update_tree(before, changes, StoredPages(database_), &pool_);
}

void StateTree::begin(std::uint64_t commit, const TreeUpdate& update, std::span<const LeafChange> changes,
                      StateDatabase::Batch& batch) {
  if (!changes.empty()) batch.put(Table::kJournal, journal_key(commit), encode_changes(changes));
  const std::lock_guard lock(mutex_);
  next_ = {commit, update.tree};
}

base::Status StateTree::finish(const TreeUpdate& update, std::size_t changes) {
  {
    const std::lock_guard lock(mutex_);
    current_ = std::exchange(next_, {});
  }
  nodes_ += update.nodes;
  gone_.insert(gone_.end(), update.gone.begin(), update.gone.end());
  unwritten_ += changes;
  if (pages_.valid() && (unwritten_ >= most_unwritten_ || !writing_pages())) STARLING_TRY(pages_.get());
  if (unwritten_ < most_unwritten_) return {};
  pages_ = std::async(std::launch::async, [this, version = current_, gone = std::exchange(gone_, {})] {
    return write_pages(version, gone);
  });
  unwritten_ = 0;
  return changes / 4 < most_unwritten_ ? base::Status() : pages_.get();
}

// The pages, and then the journal without what is in them: killed between the two, opening skips it.
base::Status StateTree::write_pages(const Version& version, const std::vector<PageName>& gone) {
  StateDatabase::Batch batch(database_);
  for (const PageName& name : gone) batch.erase(Table::kPages, name.encode());
  store_pages(version.tree, [&](const PageName& name, const Page& page) {
    batch.put(Table::kPages, name.encode(), encode_page(page));
  });
  base::Encoder top;
  top.u64(version.commit);
  encode_node(top_of(version.tree), top);
  batch.put(Table::kPages, kTopKey, top.data());
  STARLING_TRY(database_.write_through(batch, Table::kPages));
  StateDatabase::Batch trimmed(database_);
  trimmed.erase_range(Table::kJournal, journal_key(0), journal_key(version.commit + 1));
  return database_.write(trimmed);
}

bool StateTree::writing_pages() const {
  return pages_.valid() && pages_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

std::optional<Tree> StateTree::at(std::uint64_t commit) const {
  const std::lock_guard lock(mutex_);
  if (commit == current_.commit) return current_.tree;
  if (commit == next_.commit) return next_.tree;
  return std::nullopt;
}

}  // namespace starling::store
