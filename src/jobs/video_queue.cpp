#include "jobs/video_queue.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "jobs/video_files.h"

namespace starling::jobs {

namespace fs = std::filesystem;

namespace {

// As `status` holds it of a video that was removed while it was being made.
constexpr std::int64_t kRemoved = -1;
constexpr std::size_t kMostRemoved = 10'000;  // that are remembered as places of lists

// Bytes of the disk that are kept for deletions: what a few of them write before they free anything.
constexpr std::size_t kReserve = std::size_t{1} << 20;

constexpr const char* kVideoColumns =
    "number, id, owner, model, seconds, request, status, created_at, completed_at, expires_at, task, failure_code, "
    "failure_message, outcome, source, awaited";

std::string new_id() {
  std::array<std::uint8_t, 24> bytes{};
  base::fill_random(bytes);
  return "video_" + base::to_hex(bytes);
}

base::Result<Video> read_video(const Statement& row) {
  Video video;
  video.number = static_cast<std::uint64_t>(row.integer(0));
  video.id = row.text(1);
  video.owner = row.text(2);
  video.model = row.text(3);
  video.seconds = row.text(4);
  STARLING_ASSIGN(const base::Json request, base::Json::parse(row.text(5), "the request of " + video.id));
  STARLING_ASSIGN(video.request, generate::text_to_video_from_json(request));
  video.status = static_cast<VideoStatus>(std::max<std::int64_t>(row.integer(6), 0));
  video.created_at = row.integer(7);
  if (!row.is_null(8)) video.completed_at = row.integer(8);
  if (!row.is_null(9)) video.expires_at = row.integer(9);
  if (!row.is_null(10)) video.task = static_cast<std::uint64_t>(row.integer(10));
  if (!row.is_null(11)) video.failure = Failure{row.text(11), row.text(12)};
  if (!row.is_null(13)) {
    STARLING_ASSIGN(const base::Json outcome, base::Json::parse(row.text(13), "the outcome of " + video.id));
    STARLING_ASSIGN(video.outcome, outcome_from_json(outcome));
  }
  video.source = row.text(14);
  video.awaited = row.integer(15) != 0;
  if (video.status == VideoStatus::kCompleted) video.progress.percent = 100;
  return video;
}

base::Error unknown(const std::string& id) { return base::not_found("there is no video " + id); }

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    base::log(base::LogLevel::kError, "a video's files cannot be removed",
              {{"folder", folder.string()}, {"reason", error.message()}});
  }
}

}  // namespace

base::Result<std::unique_ptr<VideoQueue>> VideoQueue::open(Database& database, const QueueOptions& options) {
  STARLING_TRY(base::make_directories(options.folder, base::FileMode::kPrivate));
  std::unique_ptr<VideoQueue> queue(new VideoQueue(database, options));
  STARLING_TRY(queue->lock_folder());
  STARLING_TRY(queue->load());
  STARLING_TRY(queue->remove_left_folders());
  queue->keep_reserve();
  return queue;
}

VideoQueue::~VideoQueue() {
  if (lock_ >= 0) ::close(lock_);
}

base::Status VideoQueue::lock_folder() {
  const fs::path file = options_.folder / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return base::system_error("open", file, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  return base::invalid("another starling serve uses " + options_.folder.string() + ": end it, or give another --home");
}

base::Status VideoQueue::load() {
  return database_.read([this](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row,
                    connection.prepare("SELECT " + std::string(kVideoColumns) + " FROM videos ORDER BY number"));
    while (true) {
      STARLING_ASSIGN(const bool there, row.step());
      if (!there) return {};
      STARLING_ASSIGN(Video read, read_video(row));
      const auto video = std::make_shared<const Video>(std::move(read));
      const bool removed = row.integer(6) == kRemoved;
      if (removed) {
        interrupted_.push_back({video, std::make_shared<std::atomic<bool>>(true), true});
        continue;
      }
      enter(video);
      if (video->status == VideoStatus::kInProgress)
        interrupted_.push_back({video, videos_.at(video->id).removed, true});
    }
  });
}

base::Status VideoQueue::remove_left_folders() const {
  std::error_code error;
  std::vector<fs::path> left;
  for (fs::directory_iterator file(options_.folder, error), end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename().string();
    const bool removed = std::ranges::any_of(interrupted_, [&](const Claim& claim) { return claim.video->id == name; });
    if (name.starts_with("video_") && !videos_.contains(name) && !removed) left.push_back(file->path());
  }
  if (error) return base::system_error("list", options_.folder, error.value());
  for (const fs::path& folder : left) remove_folder(folder);
  return {};
}

void VideoQueue::enter(const VideoPointer& video) {
  videos_[video->id] = {video, std::make_shared<std::atomic<bool>>(false), {}, {}, false};
  numbers_[video->owner][video->number] = video->id;
  if (video->status == VideoStatus::kQueued) queued_[video->owner].push_back(video->id);
}

base::Result<VideoQueue::Submitted> VideoQueue::submit(const NewVideo& asked, std::int64_t now) {
  {
    const std::shared_lock lock(mutex_);
    if (videos_.size() >= options_.most_videos) {
      return base::limit_error("the server keeps as many videos as it can: delete some, or try again later");
    }
    const auto own = queued_.find(asked.owner);
    if (own != queued_.end() && own->second.size() >= options_.most_queued) {
      return base::limit_error("you have " + std::to_string(own->second.size()) +
                               " videos waiting, as many as may be: send this again when some are made");
    }
  }
  auto video = std::make_shared<Video>();
  video->id = new_id();
  video->owner = asked.owner;
  video->model = asked.model;
  video->seconds = asked.seconds;
  video->source = asked.source;
  video->awaited = asked.awaited;
  video->request = asked.request;
  video->created_at = now;
  std::string known;
  STARLING_ASSIGN(const std::string request, generate::to_json(asked.request).canonical());
  if (const base::Status written = write_given(video->id, asked); !written.ok()) {
    remove_folder(folder(video->id));
    return written.error();
  }
  const base::Status entered = database_.write([&](Connection& connection) -> base::Status {
    if (!asked.idempotency.empty()) {
      STARLING_ASSIGN(Statement same,
                      connection.prepare("SELECT id, body_hash FROM videos WHERE owner = ? AND idempotency = ?"));
      STARLING_ASSIGN(const bool found, same.bind(1, asked.owner).bind(2, asked.idempotency).step());
      if (found && same.text(1) != asked.body.hex()) {
        return base::invalid("another request was sent with this Idempotency-Key: use a new one for each video");
      }
      known = found ? same.text(0) : std::string();
      if (found) return {};
    }
    STARLING_ASSIGN(Statement insert,
                    connection.prepare(
                        "INSERT INTO videos (id, owner, model, seconds, request, status, created_at, "
                        "idempotency, body_hash, source, awaited) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?) RETURNING "
                        "number"));
    insert.bind(1, video->id).bind(2, asked.owner).bind(3, asked.model).bind(4, asked.seconds).bind(5, request);
    insert.bind(6, now);
    if (asked.idempotency.empty()) {
      insert.bind_null(7).bind_null(8);
    } else {
      insert.bind(7, asked.idempotency).bind(8, asked.body.hex());
    }
    insert.bind(9, asked.source).bind(10, asked.awaited ? 1 : 0);
    STARLING_TRY(insert.step());
    video->number = static_cast<std::uint64_t>(insert.integer(0));
    return insert.run();
  });
  if (asked.given != nullptr && (!entered.ok() || !known.empty())) remove_folder(folder(video->id));
  if (!entered.ok()) return entered.error();
  const std::unique_lock lock(mutex_);
  if (!known.empty()) {
    const auto found = videos_.find(known);
    if (found == videos_.end()) return unknown(known);
    return Submitted{found->second.video, true};
  }
  enter(video);
  changed_.notify_one();
  return Submitted{video, false};
}

base::Result<bool> VideoQueue::knows(const std::string& owner, const std::string& idempotency) {
  bool known = false;
  if (idempotency.empty()) return known;
  STARLING_TRY(database_.read([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement same, connection.prepare("SELECT 1 FROM videos WHERE owner = ? AND idempotency = ?"));
    STARLING_ASSIGN(known, same.bind(1, owner).bind(2, idempotency).step());
    return {};
  }));
  return known;
}

base::Status VideoQueue::write_given(const std::string& id, const NewVideo& asked) const {
  if (asked.given == nullptr) return {};
  STARLING_TRY(base::make_directories(folder(id), base::FileMode::kPrivate));
  return base::write_file(VideoPaths(folder(id)).inputs, asked.given->rgb, base::FileMode::kPrivate);
}

VideoPointer VideoQueue::find(const std::string& owner, const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = videos_.find(id);
  return found == videos_.end() || found->second.video->owner != owner ? nullptr : found->second.video;
}

std::optional<std::uint64_t> VideoQueue::place_of(const std::string& owner, const std::string& id) const {
  if (const auto found = videos_.find(id); found != videos_.end()) {
    return found->second.video->owner == owner ? std::optional(found->second.video->number) : std::nullopt;
  }
  const auto removed = std::ranges::find(removed_, id, &VideoPlace::id);
  return removed != removed_.end() && removed->owner == owner ? std::optional(removed->number) : std::nullopt;
}

base::Result<VideoQueue::Page> VideoQueue::list(const std::string& owner, const std::string& after, std::size_t limit,
                                                bool ascending) const {
  const std::shared_lock lock(mutex_);
  Page page;
  std::optional<std::uint64_t> border;
  if (!after.empty()) {
    border = place_of(owner, after);
    if (!border) return unknown(after);
  }
  const auto own = numbers_.find(owner);
  if (own == numbers_.end()) return page;
  const auto& numbers = own->second;
  const auto take = [&](auto at, auto end) {
    for (; at != end && page.videos.size() < limit; ++at) page.videos.push_back(videos_.at(at->second).video);
    page.more = at != end;
  };
  if (ascending) {
    take(border ? numbers.upper_bound(*border) : numbers.begin(), numbers.end());
  } else {
    take(border ? std::make_reverse_iterator(numbers.lower_bound(*border)) : numbers.rbegin(), numbers.rend());
  }
  return page;
}

std::size_t VideoQueue::size() const {
  const std::shared_lock lock(mutex_);
  return videos_.size();
}

bool VideoQueue::leave_queue(const Video& video) {
  const auto own = queued_.find(video.owner);
  if (own == queued_.end()) return false;
  const bool was_there = std::erase(own->second, video.id) > 0;
  if (own->second.empty()) queued_.erase(own);
  return was_there;
}

base::Status VideoQueue::mark_removed(const std::string& id) {
  return database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement mark,
                    connection.prepare("UPDATE videos SET status = -1, idempotency = NULL WHERE id = ?"));
    return mark.bind(1, id).run();
  });
}

base::Status VideoQueue::remove_entry(const std::string& id) {
  return database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement erase, connection.prepare("DELETE FROM videos WHERE id = ?"));
    return erase.bind(1, id).run();
  });
}

void VideoQueue::keep_reserve() const {
  std::error_code error;
  if (fs::file_size(reserve_file(), error) == kReserve && !error) return;
  // Not zeros alone, which some disks keep in no room.
  base::Bytes bytes(kReserve);
  base::fill_random(bytes);
  (void)base::write_file(reserve_file(), bytes, base::FileMode::kPrivate);  // later, where there is no room now
}

// The row of a video goes. Where the disk is full, what is kept for that makes room, or its own files.
base::Status VideoQueue::take_off(const Video& video, bool claimed) {
  const auto write = [&] { return claimed ? mark_removed(video.id) : remove_entry(video.id); };
  base::Status gone = write();
  if (gone.ok() || gone.error().code != base::ErrorCode::kIo) return gone;
  std::error_code ignored;
  if (fs::remove(reserve_file(), ignored)) gone = write();
  if (gone.ok() || !is_over(video.status)) return gone;
  remove_folder(folder(video.id));
  return write();
}

base::Result<bool> VideoQueue::remove(const std::string& owner, const std::string& id) {
  const std::lock_guard ending(ending_);
  bool claimed = false;
  bool queued = false;
  VideoPointer video;
  {
    const std::unique_lock lock(mutex_);
    const auto found = videos_.find(id);
    if (found == videos_.end() || found->second.video->owner != owner) return false;
    video = found->second.video;
    queued = leave_queue(*video);  // nobody begins it now
    claimed = found->second.claimed || found->second.video->status == VideoStatus::kInProgress;
  }
  const base::Status gone = take_off(*video, claimed);
  if (!gone.ok()) {
    // A disk that is full, say: it is still asked for.
    const std::unique_lock lock(mutex_);
    if (queued) queued_[owner].push_front(id);
    return gone.error();
  }
  {
    const std::unique_lock lock(mutex_);
    const auto found = videos_.find(id);
    *found->second.removed = true;
    for (const auto& [number, watcher] : found->second.watchers) watcher(nullptr);
    const auto own = numbers_.find(owner);
    own->second.erase(found->second.video->number);
    if (own->second.empty()) numbers_.erase(own);
    removed_.push_back({id, owner, video->number});
    if (removed_.size() > kMostRemoved) removed_.pop_front();
    videos_.erase(found);
  }
  if (!claimed) remove_folder(folder(id));
  return true;
}

base::Status VideoQueue::expire(std::int64_t now) {
  keep_reserve();
  std::vector<VideoPointer> over;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, entry] : videos_) {
      if (entry.video->expires_at.has_value() && *entry.video->expires_at <= now) over.push_back(entry.video);
    }
  }
  for (const VideoPointer& video : over) {
    const auto removed = remove(video->owner, video->id);
    if (!removed.ok()) return removed.error();
  }
  return {};
}

std::uint64_t VideoQueue::watch(const std::string& id, Watcher watcher, Viewer viewer) {
  const std::unique_lock lock(mutex_);
  const std::uint64_t number = ++next_watcher_;
  const auto found = videos_.find(id);
  if (found == videos_.end()) {
    watcher(nullptr);
  } else {
    watcher(found->second.video);
    found->second.watchers.emplace(number, std::move(watcher));
    if (viewer) found->second.viewers.emplace(number, std::move(viewer));
  }
  return number;
}

void VideoQueue::stop_watching(const std::string& id, std::uint64_t number) {
  const std::unique_lock lock(mutex_);
  const auto found = videos_.find(id);
  if (found == videos_.end()) return;
  found->second.watchers.erase(number);
  found->second.viewers.erase(number);
}

void VideoQueue::show(Entry& entry, const VideoPointer& changed) {
  entry.video = changed;
  for (const auto& [number, watcher] : entry.watchers) watcher(changed);
}

VideoPointer VideoQueue::next_in_turn() {
  if (queued_.empty()) return nullptr;
  auto own = queued_.upper_bound(last_owner_);
  if (own == queued_.end()) own = queued_.begin();
  last_owner_ = own->first;
  const std::string id = own->second.front();
  own->second.pop_front();
  if (own->second.empty()) queued_.erase(own);
  Entry& entry = videos_.at(id);
  entry.claimed = true;
  return entry.video;
}

base::Status VideoQueue::start(const std::string& id, std::int64_t& attempts) {
  return database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement begin,
                    connection.prepare("UPDATE videos SET status = 1, attempts = attempts + 1 WHERE id "
                                       "= ? AND status >= 0 RETURNING attempts"));
    STARLING_ASSIGN(const bool there, begin.bind(1, id).step());
    if (!there) return unknown(id);
    attempts = begin.integer(0);
    return begin.run();
  });
}

std::optional<VideoQueue::Claim> VideoQueue::claim(std::chrono::milliseconds patience) {
  VideoPointer video;
  bool begun_before = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return !interrupted_.empty() || !queued_.empty(); });
    if (!interrupted_.empty()) {
      Claim claim = std::move(interrupted_.front());
      interrupted_.pop_front();
      if (*claim.removed) return claim;
      videos_.at(claim.video->id).claimed = true;
      video = claim.video;
      begun_before = true;
    } else {
      video = next_in_turn();
    }
    if (!video) return std::nullopt;
  }
  std::int64_t attempts = 0;
  const base::Status started = start(video->id, attempts);
  if (!started.ok()) {
    // A disk that is full, say: it stays what it was, and is tried again.
    base::log(base::LogLevel::kError, "a video cannot be begun",
              {{"id", video->id}, {"reason", started.error().message}});
    std::unique_lock lock(mutex_);
    const auto found = videos_.find(video->id);
    if (found != videos_.end()) {
      found->second.claimed = false;
      queued_[video->owner].push_front(video->id);
      changed_.wait_for(lock, patience, [] { return false; });
    }
    return std::nullopt;
  }
  Claim claim;
  {
    const std::unique_lock lock(mutex_);
    const auto found = videos_.find(video->id);
    if (found == videos_.end()) {
      return Claim{video, std::make_shared<std::atomic<bool>>(true), begun_before};
    }
    Video begun = *found->second.video;
    begun.status = VideoStatus::kInProgress;
    show(found->second, std::make_shared<const Video>(std::move(begun)));
    claim = {found->second.video, found->second.removed, begun_before};
  }
  if (options_.most_attempts == 0 || attempts <= options_.most_attempts) return claim;
  const Failure failure{"interrupted", "the server ended " + std::to_string(attempts - 1) +
                                           " times while it made this video; ask for a smaller one"};
  const base::Status failed = fail(video->id, failure, video->created_at);
  if (!failed.ok()) base::log(base::LogLevel::kError, failed.error().message);
  return std::nullopt;
}

void VideoQueue::change(const std::string& id, const std::function<bool(Video&)>& edit) {
  const std::unique_lock lock(mutex_);
  const auto found = videos_.find(id);
  if (found == videos_.end()) return;
  Video changed = *found->second.video;
  if (edit(changed)) show(found->second, std::make_shared<const Video>(std::move(changed)));
}

void VideoQueue::set_progress(const std::string& id, const Progress& progress) {
  change(id, [&](Video& video) { return std::exchange(video.progress, progress) != progress; });
}

void VideoQueue::set_waiting(const std::string& id, WaitsFor what) {
  change(id, [&](Video& video) { return std::exchange(video.waits_for, what) != what; });
}

bool VideoQueue::is_watched(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = videos_.find(id);
  return found != videos_.end() && !found->second.viewers.empty();
}

void VideoQueue::show_preview(const std::string& id, const Preview& preview) {
  const std::unique_lock lock(mutex_);
  const auto found = videos_.find(id);
  if (found == videos_.end()) return;
  for (const auto& [number, viewer] : found->second.viewers) viewer(preview);
}

base::Status VideoQueue::reserve(const std::string& id, std::uint64_t motes) {
  return database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(
        Statement take,
        connection.prepare("UPDATE keys SET spent = spent + ?1 WHERE id = (SELECT owner FROM videos WHERE id "
                           "= ?2 AND reserved = 0) AND (budget IS NULL OR spent + ?1 <= budget)"));
    STARLING_TRY(take.bind(1, static_cast<std::int64_t>(motes)).bind(2, id).run());
    if (connection.changes() == 0) {
      STARLING_ASSIGN(Statement owner, connection.prepare("SELECT 1 FROM videos WHERE id = ? AND (reserved > 0 OR NOT "
                                                          "EXISTS (SELECT 1 FROM keys WHERE keys.id = videos.owner))"));
      STARLING_ASSIGN(const bool free, owner.bind(1, id).step());
      if (!free) return base::limit_error("the key's budget does not cover this video; raise it, or ask for less");
      return {};
    }
    STARLING_ASSIGN(Statement note, connection.prepare("UPDATE videos SET reserved = ? WHERE id = ?"));
    return note.bind(1, static_cast<std::int64_t>(motes)).bind(2, id).run();
  });
}

base::Status VideoQueue::set_task(const std::string& id, std::uint64_t task) {
  STARLING_TRY(database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement note, connection.prepare("UPDATE videos SET task = ? WHERE id = ?"));
    return note.bind(1, static_cast<std::int64_t>(task)).bind(2, id).run();
  }));
  const std::unique_lock lock(mutex_);
  const auto found = videos_.find(id);
  if (found == videos_.end()) return {};
  Video changed = *found->second.video;
  changed.task = task;
  show(found->second, std::make_shared<const Video>(std::move(changed)));
  return {};
}

bool VideoQueue::is_taken(const std::string& id, std::uint64_t task) const {
  const std::shared_lock lock(mutex_);
  return std::ranges::any_of(videos_,
                             [&](const auto& entry) { return entry.second.video->task == task && entry.first != id; });
}

namespace {

// What was reserved and not paid goes back to the key.
base::Status settle(const Connection& connection, const std::string& id, std::uint64_t paid) {
  STARLING_ASSIGN(Statement back,
                  connection.prepare("UPDATE keys SET spent = spent + ?1 - (SELECT reserved FROM videos "
                                     "WHERE id = ?2) WHERE id = (SELECT owner FROM videos WHERE id = ?2)"));
  return back.bind(1, static_cast<std::int64_t>(paid)).bind(2, id).run();
}

}  // namespace

base::Status VideoQueue::end(const Video& ended, std::uint64_t paid) {
  const std::lock_guard ending(ending_);
  {
    const std::shared_lock lock(mutex_);
    if (!videos_.contains(ended.id)) return unknown(ended.id);
  }
  STARLING_TRY(database_.write([&](Connection& connection) -> base::Status {
    STARLING_TRY(settle(connection, ended.id, paid));
    STARLING_ASSIGN(Statement note,
                    connection.prepare("UPDATE videos SET status = ?, completed_at = ?, expires_at = ?, failure_code = "
                                       "?, failure_message = ?, outcome = ?, reserved = 0 WHERE id = ?"));
    note.bind(1, static_cast<std::int64_t>(ended.status)).bind(2, *ended.completed_at);
    if (ended.expires_at) note.bind(3, *ended.expires_at);
    if (ended.failure) note.bind(4, ended.failure->code).bind(5, ended.failure->message);
    if (ended.outcome) note.bind(6, to_json(*ended.outcome).to_text());
    STARLING_TRY(note.bind(7, ended.id).run());
    return on_end_ ? on_end_(connection, ended) : base::Status();
  }));
  const std::unique_lock lock(mutex_);
  Entry& entry = videos_.at(ended.id);
  entry.claimed = false;
  show(entry, std::make_shared<const Video>(ended));
  return {};
}

base::Status VideoQueue::complete(const std::string& id, const Outcome& outcome, std::int64_t now) {
  Video ended;
  {
    const std::shared_lock lock(mutex_);
    const auto found = videos_.find(id);
    if (found == videos_.end()) return unknown(id);
    ended = *found->second.video;
  }
  ended.status = VideoStatus::kCompleted;
  ended.progress = {.percent = 100};
  ended.completed_at = now;
  if (options_.keep_seconds > 0) ended.expires_at = now + options_.keep_seconds;
  ended.outcome = outcome;
  return end(ended, outcome.price);
}

base::Status VideoQueue::fail(const std::string& id, const Failure& failure, std::int64_t now) {
  Video ended;
  {
    const std::shared_lock lock(mutex_);
    const auto found = videos_.find(id);
    if (found == videos_.end()) return unknown(id);
    ended = *found->second.video;
  }
  ended.status = VideoStatus::kFailed;
  ended.completed_at = now;
  if (options_.keep_seconds > 0) ended.expires_at = now + options_.keep_seconds;
  ended.failure = failure;
  STARLING_TRY(end(ended, 0));
  remove_folder(folder(id));
  return {};
}

base::Status VideoQueue::forget(const std::string& id, std::uint64_t paid) {
  const std::lock_guard ending(ending_);
  STARLING_TRY(database_.write([&](Connection& connection) { return settle(connection, id, paid); }));
  remove_folder(folder(id));
  return remove_entry(id);
}

void VideoQueue::give_up(const std::string& id) {
  // An orderly end is no failed attempt.
  (void)database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement back, connection.prepare("UPDATE videos SET attempts = attempts - 1 WHERE id = ?"));
    return back.bind(1, id).run();
  });
}

}  // namespace starling::jobs
