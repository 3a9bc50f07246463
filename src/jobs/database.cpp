#include "jobs/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.h"

namespace starling::jobs {
namespace {

constexpr int kPatienceMilliseconds = 10'000;      // for another process that writes
constexpr std::int64_t kApplication = 0x53746A62;  // "Stjb"

// Everything that a gateway remembers of its jobs.
constexpr const char* kTables = R"(
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  budget INTEGER,
  spent INTEGER NOT NULL DEFAULT 0,
  per_minute INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  webhook_url TEXT,
  webhook_secret TEXT
) STRICT;
CREATE TABLE videos (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  model TEXT NOT NULL,
  seconds TEXT NOT NULL,
  request TEXT NOT NULL,
  status INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  completed_at INTEGER,
  expires_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  task INTEGER,
  reserved INTEGER NOT NULL DEFAULT 0,
  failure_code TEXT,
  failure_message TEXT,
  outcome TEXT,
  idempotency TEXT,
  body_hash TEXT
) STRICT;
CREATE UNIQUE INDEX videos_by_idempotency ON videos(owner, idempotency) WHERE idempotency IS NOT NULL;
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  key TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL
) STRICT;
)";

// Videos that go on from others, and those that somebody waits for.
constexpr const char* kSources = R"(
CREATE TABLE IF NOT EXISTS sources (video TEXT PRIMARY KEY, source TEXT NOT NULL) STRICT;
ALTER TABLE videos ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE videos ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
UPDATE videos SET source = sources.source FROM sources WHERE sources.video = videos.id;
DROP TABLE sources;
)";

// How much work was done in how much time on videos of a model, by its root.
constexpr const char* kPaces = R"(
CREATE TABLE paces (model TEXT PRIMARY KEY, work INTEGER NOT NULL, milliseconds INTEGER NOT NULL) STRICT;
)";

// Keys that expire.
constexpr const char* kExpiries = "ALTER TABLE keys ADD COLUMN expires_at INTEGER";

// What makes each version of the database of the one before it.
constexpr std::array kVersions = {kTables, kSources, kPaces, kExpiries};

base::Error failure(sqlite3* database, std::string_view action) {
  const int code = sqlite3_extended_errcode(database) & 0xFF;
  const std::string text = "cannot " + std::string(action) + " the database of jobs: " + sqlite3_errmsg(database);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return base::corrupt(text + "; restore it from a copy");
  if (code == SQLITE_FULL) return base::io_error(text + "; free some room on its disk");
  return base::io_error(text);
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int index, std::int64_t value) {
  bound_ = bound_ && sqlite3_bind_int64(statement_, index, value) == SQLITE_OK;
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  bound_ = bound_ && sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
  return *this;
}

Statement& Statement::bind_null(int index) {
  bound_ = bound_ && sqlite3_bind_null(statement_, index) == SQLITE_OK;
  return *this;
}

base::Result<bool> Statement::step() {
  if (!bound_) return failure(database_, "ask");
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return failure(database_, "use");
  }
}

base::Status Statement::run() {
  while (true) {
    STARLING_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string() : std::string(text, sqlite3_column_bytes(statement_, column));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

base::Result<Statement> Connection::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return failure(database_, "ask");
  }
  return Statement(database_, statement);
}

base::Status Connection::execute(const char* sql) const {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(database_, "use");
  return {};
}

std::int64_t Connection::changes() const { return sqlite3_changes64(database_); }

struct Database::Call {
  const Work* work;
  base::Status status;
  bool done = false;
};

base::Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  // SQLite gives the files beside it the permissions of this one.
  const base::Status made = base::write_new_file(file, {}, base::FileMode::kPrivate);
  if (!made.ok() && made.error().code != base::ErrorCode::kInvalidArgument) return made.error();
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(file.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (opened != SQLITE_OK) {
    return base::io_error("cannot open " + file.string() + ": " + sqlite3_errstr(opened));
  }
  sqlite3_busy_timeout(handle, kPatienceMilliseconds);
  const base::Status begun = database->begin_tables();
  if (!begun.ok()) return base::Error{begun.error().code, file.string() + ": " + begun.error().message};
  return database;
}

Database::Database(sqlite3* database) : database_(database) {
  const auto note = [](void* deleted, int action, const char*, const char*, sqlite3_int64) {
    if (action == SQLITE_DELETE) *static_cast<bool*>(deleted) = true;
  };
  sqlite3_update_hook(database_, note, &deleted_);
}

Database::~Database() { sqlite3_close_v2(database_); }

base::Status Database::begin_tables() {
  const Connection connection(database_);
  const auto number = [&](const char* sql) -> base::Result<std::int64_t> {
    STARLING_ASSIGN(Statement statement, connection.prepare(sql));
    STARLING_ASSIGN(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
  };
  STARLING_TRY(connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"));
  STARLING_TRY(connection.execute("BEGIN IMMEDIATE"));
  const auto begin = [&]() -> base::Status {
    STARLING_ASSIGN(const std::int64_t version, number("PRAGMA user_version"));
    STARLING_ASSIGN(const std::int64_t application, number("PRAGMA application_id"));
    STARLING_ASSIGN(const std::int64_t tables, number("SELECT count(*) FROM sqlite_schema"));
    const bool fresh = version == 0 && tables == 0;
    if (!fresh && application != kApplication) return base::corrupt("this is the database of another program");
    if (version < 0 || version > static_cast<std::int64_t>(kVersions.size())) {
      return base::unsupported("this database of jobs is of a later version of Starling; use that one");
    }
    for (auto next = static_cast<std::size_t>(version); next < kVersions.size(); ++next) {
      STARLING_TRY(connection.execute(kVersions.at(next)));
    }
    STARLING_TRY(connection.execute(("PRAGMA user_version=" + std::to_string(kVersions.size())).c_str()));
    return connection.execute(("PRAGMA application_id=" + std::to_string(kApplication)).c_str());
  };
  const base::Status begun = begin();
  const base::Status ended = connection.execute(begun.ok() ? "COMMIT" : "ROLLBACK");
  return begun.ok() ? ended : begun;
}

base::Status Database::write(const Work& work) {
  Call call{&work, {}, false};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&call);
  done_.wait(lock, [&] { return call.done || !writing_; });
  if (call.done) return call.status;
  writing_ = true;
  const std::vector<Call*> calls = std::exchange(waiting_, {});
  lock.unlock();
  write_calls(calls);
  lock.lock();
  writing_ = false;
  for (Call* const done : calls) done->done = true;
  done_.notify_all();
  return call.status;
}

void Database::write_calls(const std::vector<Call*>& calls) {
  const std::lock_guard lock(connection_mutex_);
  Connection connection(database_);
  base::Status begun = connection.execute("BEGIN IMMEDIATE");
  bool lost = !begun.ok();
  for (Call* const call : calls) {
    if (lost) {
      call->status = begun.ok() ? base::Status(base::io_error("the database of jobs could not be written")) : begun;
      continue;
    }
    call->status = connection.execute("SAVEPOINT call");
    if (call->status.ok()) call->status = (*call->work)(connection);
    if (call->status.ok()) {
      call->status = connection.execute("RELEASE call");
    } else {
      // A full disk takes the whole transaction back.
      lost = !connection.execute("ROLLBACK TO call; RELEASE call").ok();
    }
  }
  const base::Status ended =
      lost ? base::Status(base::io_error("the database of jobs could not be written")) : connection.execute("COMMIT");
  if (ended.ok()) return;
  if (sqlite3_get_autocommit(database_) == 0) (void)connection.execute("ROLLBACK");
  for (Call* const call : calls) {
    if (call->status.ok()) call->status = ended;
  }
}

base::Status Database::read(const Work& work) {
  const std::lock_guard lock(connection_mutex_);
  Connection connection(database_);
  return work(connection);
}

base::Status Database::fold_deletions() {
  const std::lock_guard lock(connection_mutex_);
  if (!deleted_) return {};
  const Connection connection(database_);
  // Nobody here waits for another process that reads.
  sqlite3_busy_timeout(database_, 0);
  const auto fold = [&]() -> base::Result<bool> {
    STARLING_ASSIGN(Statement statement, connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
    STARLING_ASSIGN(const bool row, statement.step());
    return row && statement.integer(0) == 0;
  };
  const base::Result<bool> folded = fold();
  sqlite3_busy_timeout(database_, kPatienceMilliseconds);
  if (!folded.ok()) return folded.error();
  if (*folded) deleted_ = false;
  return {};
}

base::Result<std::int64_t> Database::version() {
  std::int64_t version = 0;
  STARLING_TRY(read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement statement, connection.prepare("PRAGMA data_version"));
    STARLING_TRY(statement.step());
    version = statement.integer(0);
    return {};
  }));
  return version;
}

}  // namespace starling::jobs
