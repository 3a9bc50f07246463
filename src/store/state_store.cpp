#include "store/state_store.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/thread_pool.h"
#include "store/state_database.h"
#include "store/state_tree.h"

namespace starling::store {
namespace {

constexpr std::uint32_t kStateFormat = 2;
const base::ByteView kRecordKey = base::as_bytes("state");

// What the record table says of the last commit.
struct Record {
  CommittedState state;
  std::uint64_t commit = 0;  // number of the commit, the first one 1
  Node root;
};

base::Bytes encode_record(const Record& record) {
  base::Encoder encoder;
  encoder.u32(kStateFormat);
  encoder.u64(record.state.height);
  encoder.u64(record.state.entries);
  encoder.u64(record.commit);
  encode_node(record.root, encoder);
  encoder.bytes(record.state.metadata);
  return encoder.data();
}

base::Result<Record> decode_record(base::ByteView bytes, const std::filesystem::path& folder) {
  base::Decoder decoder(bytes);
  const std::uint32_t format = decoder.u32();
  if (decoder.ok() && format != kStateFormat) {
    return base::unsupported("the state in " + folder.string() + " has format " + std::to_string(format) +
                             ", and this program reads format " + std::to_string(kStateFormat));
  }
  Record record;
  record.state.empty = false;
  record.state.height = decoder.u64();
  record.state.entries = decoder.u64();
  record.commit = decoder.u64();
  const base::Result<Node> root = decode_node(decoder);
  record.state.metadata = decoder.bytes(kMaxMetadataBytes);
  if (!root.ok() || !decoder.finish().ok()) {
    return base::corrupt(
        "the state in " + folder.string() +
        " is damaged (its record of the last commit does not follow its format); put a snapshot in its "
        "place");
  }
  record.root = *root;
  record.state.root = record.root.hash();
  return record;
}

base::Result<Record> read_record(const StateDatabase& database, const rocksdb::Snapshot* snapshot) {
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, database.get(Table::kRecord, kRecordKey, snapshot));
  if (!bytes) return Record{};
  return decode_record(*bytes, database.folder());
}

class DatabaseSnapshot : public StateSnapshot {
 public:
  static base::Result<std::unique_ptr<StateSnapshot>> take(const StateDatabase& database, const StateTree& tree) {
    for (;;) {
      std::unique_ptr<DatabaseSnapshot> snapshot(new DatabaseSnapshot(database));
      STARLING_ASSIGN(snapshot->record_, read_record(database, snapshot->snapshot_));
      std::optional<Tree> then = tree.at(snapshot->record_.commit);
      if (!then.has_value()) continue;  // two commits came between
      snapshot->tree_ = *std::move(then);
      return std::unique_ptr<StateSnapshot>(std::move(snapshot));
    }
  }
  ~DatabaseSnapshot() override { database_.release(snapshot_); }
  DatabaseSnapshot(const DatabaseSnapshot&) = delete;
  DatabaseSnapshot& operator=(const DatabaseSnapshot&) = delete;

  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override {
    return database_.get(Table::kEntries, key, snapshot_);
  }
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override {
    return database_.scan(Table::kEntries, prefix, from, visit, snapshot_);
  }
  const CommittedState& state() const override { return record_.state; }

  base::Result<ProvenValue> prove(base::ByteView key) const override {
    ProvenValue proven;
    STARLING_ASSIGN(proven.value, get(key));
    STARLING_ASSIGN(proven.proof, make_proof(tree_, path_of(key), StoredPages(database_, snapshot_)));
    if (proven.value.has_value() != (proven.proof.end == StateProof::End::kEntry)) return damaged();
    return proven;
  }

  base::Status check() const {
    std::vector<Leaf> leaves;
    STARLING_TRY(scan({}, [&](base::ByteView key, base::ByteView value) {
      leaves.push_back({path_of(key), base::sha256(value)});
      return true;
    }));
    std::ranges::sort(leaves);
    if (leaves.size() != record_.state.entries || tree_root(leaves) != record_.state.root) return damaged();
    STARLING_ASSIGN(const StoredPages::Top top, StoredPages(database_, snapshot_).top());
    return check_pages(top.node, {});
  }

 private:
  explicit DatabaseSnapshot(const StateDatabase& database) : database_(database), snapshot_(database.take_snapshot()) {}

  base::Error damaged() const {
    return base::corrupt("the state in " + database_.folder().string() +
                         " is damaged (its entries do not match its root); put a snapshot in its place");
  }

  // Every page below a fork amounts to the hash that its parent has for it.
  base::Status check_pages(const Node& node, const PageName& name) const {
    if (node.kind != Node::Kind::kFork) return {};
    if (name.depth == kPathBits / kPageLevels) return damaged();
    STARLING_ASSIGN(const Page page, StoredPages(database_, snapshot_).read(name));
    if (fold(page) != node) return damaged();
    for (std::size_t nibble = 0; nibble < kPageNodes; ++nibble) {
      STARLING_TRY(check_pages(page[nibble], name.child(nibble)));
    }
    return {};
  }

  const StateDatabase& database_;
  const rocksdb::Snapshot* snapshot_;
  Record record_;
  Tree tree_;
};

base::Status check_writes(std::span<const Write> writes) {
  std::size_t bytes = 0;
  for (const Write& write : writes) {
    STARLING_TRY(check_write(write));
    bytes += write.key.size() + (write.value ? write.value->size() : 0);
  }
  if (bytes > kMaxCommitBytes) {
    return base::limit_error("a block writes " + std::to_string(bytes) + " bytes to the state; at most " +
                             std::to_string(kMaxCommitBytes) + " are allowed");
  }
  return {};
}

base::Status check_metadata(base::ByteView metadata) {
  if (metadata.size() > kMaxMetadataBytes) {
    return base::limit_error("the metadata of a commit has " + std::to_string(metadata.size()) + " bytes; at most " +
                             std::to_string(kMaxMetadataBytes) + " are allowed");
  }
  return {};
}

// The writes as changes of leaves, the last one of each key.
std::vector<LeafChange> leaf_changes(std::span<const Write> writes, base::ThreadPool& pool) {
  struct Ordered {
    LeafChange change;
    std::size_t index;
  };
  std::vector<Ordered> ordered(writes.size());
  constexpr std::size_t kGrain = 64;
  pool.run(writes.size(), kGrain, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      ordered[i].change.path = path_of(writes[i].key);
      if (writes[i].value) ordered[i].change.value_hash = base::sha256(*writes[i].value);
      ordered[i].index = i;
    }
  });
  std::ranges::sort(ordered, [](const Ordered& left, const Ordered& right) {
    return std::pair(left.change.path, right.index) < std::pair(right.change.path, left.index);
  });
  std::vector<LeafChange> changes;
  changes.reserve(ordered.size());
  for (const Ordered& next : ordered) {
    if (changes.empty() || changes.back().path != next.change.path) changes.push_back(next.change);
  }
  return changes;
}

// In the order of the keys, in which they are inserted fastest; two of one key stay in their order.
std::vector<const Write*> by_key(std::span<const Write> writes) {
  std::vector<const Write*> ordered;
  ordered.reserve(writes.size());
  for (const Write& write : writes) ordered.push_back(&write);
  std::ranges::stable_sort(ordered, KeyOrder(), [](const Write* write) -> const base::Bytes& { return write->key; });
  return ordered;
}

void put_writes(StateDatabase::Batch& batch, Table table, std::span<const Write> writes) {
  for (const Write* write : by_key(writes)) {
    if (write->value) {
      batch.put(table, write->key, *write->value);
    } else {
      batch.erase(table, write->key);
    }
  }
}

}  // namespace

struct PreparedCommit::Content {
  Node before;
  std::vector<Write> writes;
  std::vector<LeafChange> changes;
  TreeUpdate update;
  base::Hash root;
};

PreparedCommit::PreparedCommit(std::unique_ptr<Content> content) : content_(std::move(content)) {}
PreparedCommit::PreparedCommit(PreparedCommit&& other) noexcept = default;
PreparedCommit& PreparedCommit::operator=(PreparedCommit&& other) noexcept = default;
PreparedCommit::~PreparedCommit() = default;
const base::Hash& PreparedCommit::root() const { return content_->root; }
const std::vector<Write>& PreparedCommit::writes() const { return content_->writes; }

struct StateStore::Database {
  Database(std::unique_ptr<StateDatabase> opened, Record found, const StateStoreOptions& options)
      : database(std::move(opened)),
        pool(options.threads),
        tree(*database, pool, options.tree_bytes, options.unwritten_leaves),
        record(std::move(found)) {}

  std::unique_ptr<StateDatabase> database;
  base::ThreadPool pool;
  std::mutex commit_mutex;          // held by the one commit under way
  StateTree tree;                   // changes under commit_mutex
  bool failed = false;              // under commit_mutex: a commit's outcome is unknown
  mutable std::mutex record_mutex;  // held for moments, after commit_mutex
  Record record;
};

StateStore::StateStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
StateStore::~StateStore() = default;

base::Result<std::unique_ptr<StateStore>> StateStore::open(const std::filesystem::path& folder,
                                                           const StateStoreOptions& options) {
  STARLING_ASSIGN(std::unique_ptr<StateDatabase> database,
                  StateDatabase::open(folder, options.cache_bytes, options.synced));
  STARLING_ASSIGN(Record record, read_record(*database, nullptr));
  auto opened = std::make_unique<Database>(std::move(database), std::move(record), options);
  STARLING_TRY(opened->tree.open(opened->record.commit, opened->record.root));
  return std::unique_ptr<StateStore>(new StateStore(std::move(opened)));
}

base::Result<std::optional<base::Bytes>> StateStore::get(base::ByteView key) const {
  return database_->database->get(Table::kEntries, key);
}

base::Status StateStore::scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const {
  return database_->database->scan(Table::kEntries, prefix, from, visit);
}

base::Status StateStore::check_height(std::uint64_t height) const {
  const CommittedState& before = database_->record.state;  // changed only under commit_mutex
  if (!before.empty && height <= before.height) {
    return base::invalid("a block of height " + std::to_string(height) + " cannot follow one of height " +
                         std::to_string(before.height));
  }
  return {};
}

base::Result<base::Hash> StateStore::commit(std::span<const Write> writes, std::uint64_t height,
                                            base::ByteView metadata) {
  const std::lock_guard lock(database_->commit_mutex);
  STARLING_TRY(check_height(height));
  return apply({writes.begin(), writes.end()}, height, metadata);
}

base::Result<base::Hash> StateStore::apply(std::vector<Write> writes, std::uint64_t height, base::ByteView metadata) {
  STARLING_ASSIGN(const PreparedCommit prepared, work_out(std::move(writes)));
  STARLING_TRY(write(prepared, height, metadata, {}));
  return prepared.root();
}

base::Result<PreparedCommit> StateStore::prepare(std::vector<Write> writes) const {
  const std::lock_guard lock(database_->commit_mutex);
  return work_out(std::move(writes));
}

base::Result<PreparedCommit> StateStore::work_out(std::vector<Write> writes) const {
  STARLING_TRY(check_writes(writes));
  auto content = std::make_unique<PreparedCommit::Content>();
  content->before = database_->record.root;
  content->changes = leaf_changes(writes, database_->pool);
  STARLING_ASSIGN(content->update, database_->tree.update(content->changes));
  content->root = top_of(content->update.tree).hash();
  content->writes = std::move(writes);
  return PreparedCommit(std::move(content));
}

base::Status StateStore::commit(const PreparedCommit& prepared, std::uint64_t height, base::ByteView metadata,
                                std::span<const Write> notes) {
  STARLING_TRY(check_writes(notes));
  const std::lock_guard lock(database_->commit_mutex);
  STARLING_TRY(check_height(height));
  if (prepared.content_->before != database_->record.root) {
    return base::invalid("a commit that was prepared for another state cannot be written");
  }
  return write(prepared, height, metadata, notes);
}

base::Status StateStore::write(const PreparedCommit& prepared, std::uint64_t height, base::ByteView metadata,
                               std::span<const Write> notes) {
  StateDatabase& database = *database_->database;
  STARLING_TRY(check_metadata(metadata));
  if (database_->failed) {
    return base::io_error("the state in " + database.folder().string() +
                          " takes no more blocks since writing one failed; mend the disk and start again");
  }
  const PreparedCommit::Content& content = *prepared.content_;
  Record after;
  after.commit = database_->record.commit + 1;
  after.root = top_of(content.update.tree);
  after.state = {false, height, content.root,
                 database_->record.state.entries + static_cast<std::uint64_t>(content.update.leaves),
                 base::Bytes(metadata.begin(), metadata.end())};

  StateDatabase::Batch batch(database);
  put_writes(batch, Table::kEntries, content.writes);
  put_writes(batch, Table::kNotes, notes);
  batch.put(Table::kRecord, kRecordKey, encode_record(after));
  database_->tree.begin(after.commit, content.update, content.changes, batch);
  const base::Status written = database.write(batch);
  if (!written.ok()) {
    database_->failed = true;
    return written.error();
  }
  {
    const std::lock_guard record_lock(database_->record_mutex);
    database_->record = std::move(after);
  }
  base::Status pages = database_->tree.finish(content.update, content.changes.size());
  if (!pages.ok()) database_->failed = true;
  return pages;
}

base::Result<std::optional<base::Bytes>> StateStore::note(base::ByteView key) const {
  return database_->database->get(Table::kNotes, key);
}

CommittedState StateStore::state() const {
  const std::lock_guard lock(database_->record_mutex);
  return database_->record.state;
}

base::Result<std::unique_ptr<StateSnapshot>> StateStore::snapshot() const {
  return DatabaseSnapshot::take(*database_->database, database_->tree);
}

base::Result<ProvenValue> StateStore::prove(base::ByteView key) const {
  STARLING_ASSIGN(const std::unique_ptr<StateSnapshot> now, snapshot());
  return now->prove(key);
}

base::Status StateStore::check() const {
  STARLING_ASSIGN(const std::unique_ptr<StateSnapshot> now, snapshot());
  return static_cast<const DatabaseSnapshot&>(*now).check();
}

}  // namespace starling::store
