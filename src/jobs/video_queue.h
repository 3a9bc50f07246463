#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "generate/given.h"
#include "jobs/database.h"
#include "jobs/video.h"

namespace starling::jobs {

struct QueueOptions {
  std::filesystem::path folder;               // each video's files lie in a folder of its id here
  std::size_t most_videos = 100'000;          // of everybody, whatever their status
  std::size_t most_queued = 20'000;           // of one owner
  std::int64_t keep_seconds = 7 * 24 * 3600;  // after its end a video is thrown out; 0: never
  int most_attempts = 3;                      // starts of a video whose process ended on the way; 0: any number
};

// What is asked for.
struct NewVideo {
  std::string owner;
  std::string model;
  std::string seconds;
  generate::TextToVideo request;
  generate::GivenFrames given;  // those that the request goes on from; null: none
  std::string source;           // the id of the video that they are of, if it is one of these
  bool awaited = false;         // the request that asks for it is answered when it is over
  std::string idempotency;      // the client's name of this request; empty: none
  base::Hash body;              // tells one request of that name from another
};

// All videos that were asked for: in memory, to be read at any rate, and in the database, where each change is before
// it shows. A process that is killed at any moment begins again with what the database has: what was being made is made
// again, at most most_attempts times. Thread safe; one process at a time.
class VideoQueue {
 public:
  // database outlives the queue.
  static base::Result<std::unique_ptr<VideoQueue>> open(Database& database, const QueueOptions& options);
  ~VideoQueue();
  VideoQueue(const VideoQueue&) = delete;
  VideoQueue& operator=(const VideoQueue&) = delete;

  struct Submitted {
    VideoPointer video;
    bool repeated = false;  // it was there: the same owner sent the same request under the same name
  };
  // kLimit: there are as many as there may be; kInvalidArgument: another request has this name.
  base::Result<Submitted> submit(const NewVideo& asked, std::int64_t now);
  // Whether the owner sent a request under this name.
  base::Result<bool> knows(const std::string& owner, const std::string& idempotency);

  // Null when there is none that this owner sees.
  VideoPointer find(const std::string& owner, const std::string& id) const;
  struct Page {
    std::vector<VideoPointer> videos;
    bool more = false;
  };
  // An owner's videos by time of submission, from the one after `after` on (empty: the first), which may be one of the
  // last that were removed. kNotFound: there is no such video.
  base::Result<Page> list(const std::string& owner, const std::string& after, std::size_t limit, bool ascending) const;
  // Works on a full disk too. It is gone from now on with all its files; of one that is being made they go a moment
  // later, and what a network was asked for is cancelled. False when this owner sees none of that name.
  base::Result<bool> remove(const std::string& owner, const std::string& id);
  // Throws out whose time is over.
  base::Status expire(std::int64_t now);
  std::size_t size() const;
  std::filesystem::path folder(const std::string& id) const { return options_.folder / id; }

  // Called with a video whenever it changes, and with nothing when it is removed, until the number is given back. Must
  // not wait, nor call the queue.
  using Watcher = std::function<void(const VideoPointer& video)>;
  // viewer, if there is one, is called with previews, likewise.
  using Viewer = std::function<void(const Preview& preview)>;
  std::uint64_t watch(const std::string& id, Watcher watcher, Viewer viewer = nullptr);
  void stop_watching(const std::string& id, std::uint64_t number);
  // Called with each video that ends, within the transaction that says so.
  using OnEnd = std::function<base::Status(Connection&, const Video&)>;
  void set_on_end(OnEnd on_end) { on_end_ = std::move(on_end); }

  // For those who make them.
  struct Claim {
    VideoPointer video;
    std::shared_ptr<const std::atomic<bool>> removed;  // it need not be made any more
    bool begun_before = false;                         // by a process that ended on the way
  };
  // The next video to make, of each owner in turn; waits for one, at most so long. Those that a killed process had
  // begun come first, also those that were removed since: they are to be forgotten.
  std::optional<Claim> claim(std::chrono::milliseconds patience);
  void set_progress(const std::string& id, const Progress& progress);
  void set_waiting(const std::string& id, WaitsFor what);
  bool is_watched(const std::string& id) const;  // by a viewer
  void show_preview(const std::string& id, const Preview& preview);
  // Before anything is paid for: takes the motes from the budget of the owner's key. kLimit: it has not so many.
  base::Status reserve(const std::string& id, std::uint64_t motes);
  // A task was submitted for it.
  base::Status set_task(const std::string& id, std::uint64_t task);
  // Whether the task was submitted for another video than this.
  bool is_taken(const std::string& id, std::uint64_t task) const;
  // These end a claim. What was reserved and not paid goes back. kNotFound: it was removed; then forget() it.
  base::Status complete(const std::string& id, const Outcome& outcome, std::int64_t now);
  base::Status fail(const std::string& id, const Failure& failure, std::int64_t now);
  base::Status forget(const std::string& id, std::uint64_t paid);
  // The process ends: the next one goes on with it.
  void give_up(const std::string& id);

 private:
  struct Entry {
    VideoPointer video;
    std::shared_ptr<std::atomic<bool>> removed;
    std::map<std::uint64_t, Watcher> watchers;
    std::map<std::uint64_t, Viewer> viewers;
    bool claimed = false;
  };
  struct VideoPlace {
    std::string id;
    std::string owner;
    std::uint64_t number = 0;
  };
  VideoQueue(Database& database, const QueueOptions& options) : database_(database), options_(options) {}
  base::Status write_given(const std::string& id, const NewVideo& asked) const;
  base::Status lock_folder();
  base::Status load();
  base::Status remove_left_folders() const;
  base::Status start(const std::string& id, std::int64_t& attempts);
  base::Status end(const Video& ended, std::uint64_t paid);
  base::Status remove_entry(const std::string& id);
  base::Status mark_removed(const std::string& id);
  base::Status take_off(const Video& video, bool claimed);
  std::filesystem::path reserve_file() const { return options_.folder / "reserve"; }
  void keep_reserve() const;
  void enter(const VideoPointer& video);
  bool leave_queue(const Video& video);  // whether it was in one
  // Precondition of these: mutex_ is held.
  std::optional<std::uint64_t> place_of(const std::string& owner, const std::string& id) const;
  VideoPointer next_in_turn();
  static void show(Entry& entry, const VideoPointer& changed);
  void change(const std::string& id, const std::function<bool(Video&)>& edit);

  Database& database_;
  const QueueOptions options_;
  OnEnd on_end_;
  int lock_ = -1;
  std::mutex ending_;  // held while a video ends or is removed, in the database and here

  mutable std::shared_mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Entry> videos_;                                  // by id
  std::map<std::string, std::map<std::uint64_t, std::string>> numbers_;  // by owner and number: ids
  std::map<std::string, std::deque<std::string>> queued_;                // by owner
  std::deque<Claim> interrupted_;                                        // begun by a process that ended
  std::deque<VideoPlace> removed_;                                       // lately, so that lists go on from there
  std::string last_owner_;
  std::uint64_t next_watcher_ = 0;
};

}  // namespace starling::jobs
