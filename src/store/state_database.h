#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "store/state_view.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Snapshot;
class WriteBatch;
}  // namespace rocksdb

namespace starling::store {

// The tables of a state's folder; each is a column family.
enum class Table : std::uint8_t { kRecord, kEntries, kPages, kNotes, kJournal };

// RocksDB as the state store uses it, with its errors in words. Thread safe.
class StateDatabase {
 public:
  // Writes that go together.
  class Batch {
   public:
    explicit Batch(const StateDatabase& database);
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    void put(Table table, base::ByteView key, base::ByteView value);
    void erase(Table table, base::ByteView key);
    // Every key from first on and before last.
    void erase_range(Table table, base::ByteView first, base::ByteView last);
    std::size_t bytes() const;

   private:
    friend StateDatabase;
    const StateDatabase& database_;
    std::unique_ptr<rocksdb::WriteBatch> batch_;
  };

  static base::Result<std::unique_ptr<StateDatabase>> open(const std::filesystem::path& folder, std::size_t cache_bytes,
                                                           bool synced);
  ~StateDatabase();
  StateDatabase(const StateDatabase&) = delete;
  StateDatabase& operator=(const StateDatabase&) = delete;

  // What is there, or was there when the snapshot was taken.
  base::Result<std::optional<base::Bytes>> get(Table table, base::ByteView key,
                                               const rocksdb::Snapshot* snapshot = nullptr) const;
  base::Status scan(Table table, base::ByteView prefix, base::ByteView from, const StateView::Visit& visit,
                    const rocksdb::Snapshot* snapshot = nullptr) const;
  // All of the batch or nothing; on the disk when it returns, if the database is a synced one. After an error nothing
  // is known of the batch until the database is opened again.
  base::Status write(const Batch& batch);
  // Puts a batch, all of it in one table that nothing else writes to, on the disk without a place in the log, after
  // everything that was written before.
  base::Status write_through(const Batch& batch, Table table);

  const rocksdb::Snapshot* take_snapshot() const;
  void release(const rocksdb::Snapshot* snapshot) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  StateDatabase(std::filesystem::path folder, bool synced);
  rocksdb::ColumnFamilyHandle* family(Table table) const { return families_[static_cast<std::size_t>(table)]; }

  std::filesystem::path folder_;
  bool synced_;
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace starling::store
