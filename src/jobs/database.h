#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace starling::jobs {

// One statement of SQL on its way. Parameters are numbered from 1, columns from 0. Errors of binding show in step().
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_null(int index);
  // Whether there is a row.
  base::Result<bool> step();
  // Steps to the end.
  base::Status run();
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  bool bound_ = true;
};

// A connection, as it is handed to whoever reads or writes.
class Connection {
 public:
  explicit Connection(sqlite3* database) : database_(database) {}
  base::Result<Statement> prepare(std::string_view sql) const;
  base::Status execute(const char* sql) const;
  // Rows that the last statement changed.
  std::int64_t changes() const;

 private:
  sqlite3* database_;
};

// The jobs of a gateway in one SQLite file (docs/jobs.md has its tables). What was written lasts once write() returns,
// also when the machine stops then. Other processes may have the file open. Thread safe.
class Database {
 public:
  // Makes the file if there is none, for its owner alone. kCorrupt: it is none of these files; kUnsupported: one of a
  // later version.
  static base::Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  using Work = std::function<base::Status(Connection&)>;
  // All of it is done and lasts, or none of it: an error of the work undoes it. Calls that meet share a transaction,
  // and so the disk's time; none sees that. Works are called one at a time, maybe on another caller's thread.
  base::Status write(const Work& work);
  base::Status read(const Work& work);
  // What was deleted is overwritten in the file at once, and stays in the log beside it until that is folded into the
  // file: this folds it and cuts it to nothing. Does nothing where nothing was deleted since; later, while another
  // process is reading.
  base::Status fold_deletions();
  // Changes when another process has written.
  base::Result<std::int64_t> version();

 private:
  struct Call;
  explicit Database(sqlite3* database);
  base::Status begin_tables();
  void write_calls(const std::vector<Call*>& calls);

  sqlite3* database_;
  std::mutex connection_mutex_;
  bool deleted_ = true;  // rows since the log was folded, by this process or one that was killed
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Call*> waiting_;
  bool writing_ = false;
};

}  // namespace starling::jobs
