#include "store/state_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstdarg>
#include <string>
#include <system_error>

#include "base/file.h"

namespace starling::store {
namespace {

// RocksDB compares slices with memcmp, which must not be given a null pointer even for no bytes.
rocksdb::Slice slice(base::ByteView bytes) {
  return bytes.empty() ? rocksdb::Slice() : rocksdb::Slice(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
base::ByteView view(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

base::Error error_of(const rocksdb::Status& status, const std::filesystem::path& folder) {
  const std::string where = "the state in " + folder.string();
  const std::string what = status.ToString();
  if (status.IsNoSpace() || what.find("No space left") != std::string::npos) {
    return base::io_error(where + " cannot be written: the disk is full; free some space and start again");
  }
  if (what.find("lock file") != std::string::npos || what.find("lock hold") != std::string::npos) {
    return base::io_error(where + " is in use by another process; stop that one, or choose another folder");
  }
  if (status.IsCorruption()) {
    return base::corrupt(where + " is damaged (" + what + "); put a snapshot in its place");
  }
  if (status.IsIOError()) return base::io_error(where + " cannot be read or written (" + what + ")");
  return base::internal_error(where + " failed (" + what + ")");
}

rocksdb::ColumnFamilyOptions family_options(Table table, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  blocks.format_version = 5;
  blocks.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  // Hashes do not compress, and values are small.
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = std::size_t{64} << 20;
  // Most of what is read was not written a moment ago.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  // A page that is asked for is there, so a filter of the last level would say nothing.
  options.optimize_filters_for_hits = table == Table::kPages;
  return options;
}

// What RocksDB has to say comes with its answers. Its own file of messages ends the process when the disk is full.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::DBOptions database_options(bool create, bool synced) {
  rocksdb::DBOptions options;
  options.create_if_missing = create;
  options.create_missing_column_families = true;  // also when a process was killed while it made them
  // A record that was cut off at the end of the log is a commit that never returned. Anything else that cannot be read
  // is damage, and must not pass for an older state; unless the log is not synced, and a power failure may have left
  // any part of it.
  options.wal_recovery_mode =
      synced ? rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.max_total_wal_size = std::uint64_t{24} << 20;  // bounds what an opening replays: some 30 MB a second
  options.avoid_flush_during_recovery = true;            // an opening reads the log, and writes nothing
  options.max_background_jobs = 2;
  // After a full disk only opening again tells what is there; RocksDB's own way back ends in a failed assertion.
  options.max_bgerror_resume_count = 0;
  options.max_open_files = 512;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

// Whether there is a database to open. Without its file CURRENT RocksDB would begin a new one over the old one's data.
base::Result<bool> has_database(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / "CURRENT", error)) return true;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::filesystem::path extension = at->path().extension();
    if (extension == ".sst" || extension == ".log") {
      return base::corrupt("the state in " + folder.string() +
                           " is damaged (its file CURRENT is missing); put a snapshot in its place");
    }
  }
  if (error) return base::system_error("read", folder, error.value());
  return false;
}

}  // namespace

StateDatabase::Batch::Batch(const StateDatabase& database)
    : database_(database), batch_(std::make_unique<rocksdb::WriteBatch>()) {}
StateDatabase::Batch::~Batch() = default;

// The memory of a batch is all that these two can run out of, and that ends the process.
void StateDatabase::Batch::put(Table table, base::ByteView key, base::ByteView value) {
  if (!batch_->Put(database_.family(table), slice(key), slice(value)).ok()) base::halt("a batch refused a write");
}
void StateDatabase::Batch::erase(Table table, base::ByteView key) {
  if (!batch_->Delete(database_.family(table), slice(key)).ok()) base::halt("a batch refused a write");
}

void StateDatabase::Batch::erase_range(Table table, base::ByteView first, base::ByteView last) {
  if (!batch_->DeleteRange(database_.family(table), slice(first), slice(last)).ok()) {
    base::halt("a batch refused a write");
  }
}
std::size_t StateDatabase::Batch::bytes() const { return batch_->GetDataSize(); }

base::Result<std::unique_ptr<StateDatabase>> StateDatabase::open(const std::filesystem::path& folder,
                                                                 std::size_t cache_bytes, bool synced) {
  STARLING_TRY(base::make_directories(folder));
  STARLING_ASSIGN(const bool exists, has_database(folder));
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(cache_bytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, family_options(Table::kRecord, cache)},
      {"entries", family_options(Table::kEntries, cache)},
      {"pages", family_options(Table::kPages, cache)},
      {"notes", family_options(Table::kNotes, cache)},
      {"journal", family_options(Table::kJournal, cache)}};
  std::unique_ptr<StateDatabase> database(new StateDatabase(folder, synced));
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(database_options(!exists, synced), folder.string(), families, &database->families_, &opened);
  if (!status.ok()) return error_of(status, folder);
  database->database_.reset(opened);
  return database;
}

StateDatabase::StateDatabase(std::filesystem::path folder, bool synced) : folder_(std::move(folder)), synced_(synced) {}

StateDatabase::~StateDatabase() {
  if (database_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    database_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
}

base::Result<std::optional<base::Bytes>> StateDatabase::get(Table table, base::ByteView key,
                                                            const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_->Get(options, family(table), slice(key), &value);
  if (status.IsNotFound()) return std::optional<base::Bytes>();
  if (!status.ok()) return error_of(status, folder_);
  const base::ByteView bytes = view(value);
  return std::optional<base::Bytes>(std::in_place, bytes.begin(), bytes.end());
}

base::Status StateDatabase::scan(Table table, base::ByteView prefix, base::ByteView from, const StateView::Visit& visit,
                                 const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  const std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(options, family(table)));
  for (at->Seek(slice(first_key(prefix, from))); at->Valid() && at->key().starts_with(slice(prefix)); at->Next()) {
    if (!visit(view(at->key()), view(at->value()))) return {};
  }
  if (!at->status().ok()) return error_of(at->status(), folder_);
  return {};
}

base::Status StateDatabase::write(const Batch& batch) {
  rocksdb::WriteOptions options;
  options.sync = synced_;
  const rocksdb::Status status = database_->Write(options, batch.batch_.get());
  if (!status.ok()) return error_of(status, folder_);
  return {};
}

base::Status StateDatabase::write_through(const Batch& batch, Table table) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  rocksdb::Status status = database_->Write(options, batch.batch_.get());
  if (status.ok()) status = database_->FlushWAL(true);
  if (status.ok()) status = database_->Flush(rocksdb::FlushOptions(), family(table));
  if (!status.ok()) return error_of(status, folder_);
  return {};
}

const rocksdb::Snapshot* StateDatabase::take_snapshot() const { return database_->GetSnapshot(); }
void StateDatabase::release(const rocksdb::Snapshot* snapshot) const { database_->ReleaseSnapshot(snapshot); }

}  // namespace starling::store
