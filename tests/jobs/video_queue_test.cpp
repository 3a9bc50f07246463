#include "jobs/video_queue.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "jobs/api_keys.h"
#include "jobs/runner.h"
#include "jobs/webhooks.h"

namespace starling::jobs {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kSoon{2000};

class Queues : public testing::Test {
 protected:
  Queues() : home_(fs::temp_directory_path() / ("starling-jobs-" + std::to_string(::getpid()))) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    open();
  }
  ~Queues() override {
    queue_.reset();
    database_.reset();
    fs::remove_all(home_);
  }
  // As a process that begins again after one that ended somehow.
  void open(QueueOptions options = {}) {
    queue_.reset();
    database_.reset();
    auto database = Database::open(home_ / "jobs.sqlite");
    ASSERT_TRUE(database.ok()) << database.error().message;
    database_ = *std::move(database);
    options.folder = home_ / "videos";
    auto queue = VideoQueue::open(*database_, options);
    ASSERT_TRUE(queue.ok()) << queue.error().message;
    queue_ = *std::move(queue);
  }
  static NewVideo asked(const std::string& owner, const std::string& prompt) {
    NewVideo video;
    video.owner = owner;
    video.model = "m";
    video.seconds = "2";
    video.request.prompt = prompt;
    return video;
  }
  std::string submit(const std::string& owner, const std::string& prompt) {
    const auto submitted = queue_->submit(asked(owner, prompt), 100);
    EXPECT_TRUE(submitted.ok()) << submitted.error().message;
    return submitted.ok() ? submitted->video->id : "";
  }
  std::string next() {
    const auto claim = queue_->claim(kSoon);
    return claim ? claim->video->request.prompt : "";
  }
  void write_file_of(const std::string& id) const {
    fs::create_directories(queue_->folder(id));
    std::ofstream(queue_->folder(id) / "video.mp4") << "bytes";
  }

  const fs::path home_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<VideoQueue> queue_;
};

TEST_F(Queues, OwnersAreServedInTurn) {
  for (const char* const prompt : {"a1", "a2", "a3"}) submit("a", prompt);
  submit("b", "b1");
  submit("c", "c1");
  std::string order;
  for (int i = 0; i < 5; ++i) order += next() + " ";
  EXPECT_EQ(order, "a1 b1 c1 a2 a3 ");
}

TEST_F(Queues, WhatWasAskedForIsThereAgain) {
  const std::string first = submit("a", "first");
  const std::string second = submit("a", "second \"quoted\" \xE7\xBA\xA2");
  const std::string made = submit("a", "made");
  ASSERT_TRUE(queue_->claim(kSoon));
  ASSERT_TRUE(queue_->claim(kSoon));
  ASSERT_TRUE(queue_->claim(kSoon));
  Outcome outcome;
  outcome.price = 7;
  outcome.work.i8_multiply_adds = ~std::uint64_t{0};
  write_file_of(made);
  ASSERT_TRUE(queue_->complete(made, outcome, 200).ok());
  ASSERT_TRUE(queue_->fail(first, {"non_finite", "why"}, 300).ok());
  open();
  const VideoPointer failed = queue_->find("a", first);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->status, VideoStatus::kFailed);
  EXPECT_EQ(failed->failure->message, "why");
  EXPECT_EQ(*failed->completed_at, 300);
  const VideoPointer done = queue_->find("a", made);
  ASSERT_NE(done, nullptr);
  EXPECT_EQ(done->status, VideoStatus::kCompleted);
  EXPECT_EQ(done->outcome->price, 7U);
  EXPECT_EQ(done->outcome->work.i8_multiply_adds, ~std::uint64_t{0});
  EXPECT_TRUE(fs::exists(queue_->folder(made) / "video.mp4"));
  // What was on its way is made again, before anything else.
  submit("b", "other");
  EXPECT_EQ(next(), "second \"quoted\" \xE7\xBA\xA2");
  EXPECT_EQ(queue_->find("a", second)->status, VideoStatus::kInProgress);
  EXPECT_EQ(next(), "other");
}

TEST_F(Queues, AVideoThatEndsTheProcessIsGivenUp) {
  QueueOptions options;
  options.most_attempts = 2;
  const std::string id = submit("a", "heavy");
  ASSERT_TRUE(queue_->claim(kSoon));
  open(options);
  ASSERT_TRUE(queue_->claim(kSoon));
  open(options);
  EXPECT_FALSE(queue_->claim(kSoon));
  EXPECT_EQ(queue_->find("a", id)->failure->code, "interrupted");
}

TEST_F(Queues, AnOrderlyEndIsNoAttempt) {
  QueueOptions options;
  options.most_attempts = 1;
  const std::string id = submit("a", "long");
  for (int i = 0; i < 4; ++i) {
    open(options);
    ASSERT_TRUE(queue_->claim(kSoon));
    queue_->give_up(id);
  }
}

TEST_F(Queues, PagesGoBothWays) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(submit("a", std::to_string(i)));
  const std::string foreign = submit("b", "b");
  const auto page = queue_->list("a", "", 2, true);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->videos[1]->id, ids[1]);
  const auto rest = queue_->list("a", ids[1], 10, true);
  ASSERT_EQ(rest->videos.size(), 3U);
  EXPECT_FALSE(rest->more);
  EXPECT_EQ(rest->videos[0]->id, ids[2]);
  const auto back = queue_->list("a", ids[2], 1, false);
  ASSERT_EQ(back->videos.size(), 1U);
  EXPECT_EQ(back->videos[0]->id, ids[1]);
  EXPECT_TRUE(back->more);
  EXPECT_FALSE(queue_->list("a", ids[0], 1, false)->more);
  EXPECT_FALSE(queue_->list("a", foreign, 1, false).ok());
  EXPECT_TRUE(queue_->list("nobody", "", 1, false)->videos.empty());
}

TEST_F(Queues, PagesGoOnFromAVideoThatWasRemoved) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(submit("a", std::to_string(i)));
  for (const std::string& id : {ids[1], ids[2]}) ASSERT_TRUE(*queue_->remove("a", id));
  const auto older = queue_->list("a", ids[2], 10, false);
  ASSERT_TRUE(older.ok()) << older.error().message;
  ASSERT_EQ(older->videos.size(), 1U);
  EXPECT_EQ(older->videos[0]->id, ids[0]);
  EXPECT_EQ(queue_->list("a", ids[1], 10, true)->videos.at(0)->id, ids[3]);
  EXPECT_FALSE(queue_->list("b", ids[1], 10, true).ok()) << "another's";
  EXPECT_EQ(queue_->find("a", ids[1]), nullptr);
}

TEST_F(Queues, WhatIsRemovedIsGone) {
  const std::string queued = submit("a", "queued");
  EXPECT_FALSE(*queue_->remove("b", queued));
  EXPECT_TRUE(*queue_->remove("a", queued));
  EXPECT_FALSE(*queue_->remove("a", queued));
  EXPECT_EQ(next(), "");

  const std::string running = submit("a", "running");
  const auto claim = queue_->claim(kSoon);
  ASSERT_TRUE(claim);
  write_file_of(running);
  EXPECT_TRUE(*queue_->remove("a", running));
  EXPECT_TRUE(*claim->removed);
  EXPECT_EQ(queue_->find("a", running), nullptr);
  EXPECT_FALSE(queue_->complete(running, {}, 1).ok());
  // The process is killed before it is forgotten: the next one sees to it.
  open();
  EXPECT_EQ(queue_->find("a", running), nullptr);
  const auto again = queue_->claim(kSoon);
  ASSERT_TRUE(again);
  EXPECT_TRUE(*again->removed);
  EXPECT_TRUE(queue_->forget(running, 0).ok());
  EXPECT_FALSE(fs::exists(queue_->folder(running)));
  open();
  EXPECT_FALSE(queue_->claim(milliseconds(1)));

  // Killed between the row and the folder.
  fs::create_directories(home_ / "videos" / "video_left");
  open();
  EXPECT_FALSE(fs::exists(home_ / "videos" / "video_left"));
}

TEST_F(Queues, WordsThatWereDeletedAreInNoFile) {
  const auto holds = [](const fs::path& folder, const std::string& word) {
    return std::ranges::any_of(fs::recursive_directory_iterator(folder), [&](const fs::directory_entry& file) {
      return file.is_regular_file() && base::read_text_file(file.path(), 1U << 26U)->find(word) != std::string::npos;
    });
  };
  // One that fits in a page, and one that takes pages of its own.
  const std::string first = submit("a", "zebraquux");
  const std::string second = submit("a", std::string(20'000, 'x') + "quuxzebra");
  submit("a", "stays");
  ASSERT_TRUE(holds(home_, "zebraquux") && holds(home_, "quuxzebra"));
  ASSERT_TRUE(*queue_->remove("a", first) && *queue_->remove("a", second));
  const fs::path killed = home_.string() + "-killed";
  fs::create_directories(killed);
  for (const char* const file : {"jobs.sqlite", "jobs.sqlite-wal"}) fs::copy(home_ / file, killed / file);
  // Another process that reads puts it off, and is not waited for.
  {
    auto other = *Database::open(home_ / "jobs.sqlite");
    ASSERT_TRUE(other
                    ->read([&](Connection& connection) -> base::Status {
                      STARLING_TRY(connection.execute("BEGIN"));
                      STARLING_ASSIGN(Statement count, connection.prepare("SELECT count(*) FROM videos"));
                      STARLING_TRY(count.step());
                      const auto begun = std::chrono::steady_clock::now();
                      EXPECT_TRUE(database_->fold_deletions().ok());
                      EXPECT_LT(std::chrono::steady_clock::now() - begun, kSoon);
                      EXPECT_TRUE(holds(home_, "zebraquux"));
                      return count.run();
                    })
                    .ok());
    ASSERT_TRUE(other->read([](Connection& connection) { return connection.execute("COMMIT"); }).ok());
    ASSERT_TRUE(database_->fold_deletions().ok());
    for (const char* const word : {"zebraquux", "quuxzebra"}) EXPECT_FALSE(holds(home_, word)) << word;
    EXPECT_TRUE(holds(home_, "stays"));
  }
  // What a process had deleted when it was killed, the next one folds.
  ASSERT_TRUE(holds(killed, "zebraquux"));
  const auto next = *Database::open(killed / "jobs.sqlite");
  ASSERT_TRUE(next->fold_deletions().ok());
  EXPECT_FALSE(holds(killed, "zebraquux"));
  EXPECT_TRUE(holds(killed, "stays"));
  fs::remove_all(killed);
}

TEST_F(Queues, WhatIsOverForLongIsThrownOut) {
  const std::string id = submit("a", "old");
  ASSERT_TRUE(queue_->claim(kSoon));
  write_file_of(id);
  ASSERT_TRUE(queue_->complete(id, {}, 1000).ok());
  const std::int64_t expires = *queue_->find("a", id)->expires_at;
  ASSERT_TRUE(queue_->expire(expires - 1).ok());
  EXPECT_NE(queue_->find("a", id), nullptr);
  ASSERT_TRUE(queue_->expire(expires).ok());
  EXPECT_EQ(queue_->find("a", id), nullptr);
  EXPECT_FALSE(fs::exists(queue_->folder(id)));
}

TEST_F(Queues, ARequestThatIsSentAgainIsOneVideo) {
  NewVideo video = asked("a", "once");
  video.idempotency = "key";
  video.body = base::sha256(base::as_bytes("body"));
  const auto first = queue_->submit(video, 1);
  open();
  const auto second = queue_->submit(video, 2);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(second->repeated);
  EXPECT_EQ(first->video->id, second->video->id);
  NewVideo other = video;
  other.body = base::sha256(base::as_bytes("other"));
  EXPECT_FALSE(queue_->submit(other, 2).ok());
  video.owner = "b";
  EXPECT_NE(queue_->submit(video, 2)->video->id, first->video->id);
}

TEST_F(Queues, BoundsHold) {
  QueueOptions options;
  options.most_queued = 2;
  options.most_videos = 3;
  open(options);
  submit("a", "1");
  submit("a", "2");
  EXPECT_EQ(queue_->submit(asked("a", "3"), 1).error().code, base::ErrorCode::kLimit);
  submit("b", "1");
  EXPECT_EQ(queue_->submit(asked("c", "1"), 1).error().code, base::ErrorCode::kLimit);
}

TEST_F(Queues, OneProcessAtATime) {
  QueueOptions options;
  options.folder = home_ / "videos";
  EXPECT_FALSE(VideoQueue::open(*database_, options).ok());
}

TEST_F(Queues, WatchersSeeEachChange) {
  const std::string id = submit("a", "seen");
  std::string seen;
  const std::uint64_t watch = queue_->watch(id, [&](const VideoPointer& video) {
    seen += video == nullptr
                ? "gone "
                : std::to_string(static_cast<int>(video->status)) + ":" + std::to_string(video->progress.percent) +
                      "/" + std::to_string(video->progress.step) + " ";
  });
  ASSERT_TRUE(queue_->claim(kSoon));
  queue_->set_progress(id, {50, 3, 7});
  queue_->set_progress(id, {50, 3, 7});
  queue_->set_progress(id, {50, 4, 7});
  ASSERT_TRUE(queue_->complete(id, {}, 1).ok());
  ASSERT_TRUE(*queue_->remove("a", id));
  queue_->stop_watching(id, watch);
  EXPECT_EQ(seen, "0:0/0 1:0/0 1:50/3 1:50/4 2:100/0 gone ");
}

TEST_F(Queues, WhatWaitsForANetworkIsQueuedUntilATaskIsSubmitted) {
  const std::string id = submit("a", "waits");
  ASSERT_TRUE(queue_->claim(kSoon));
  const auto shown = [&] { return shown_status(*queue_->find("a", id)); };
  EXPECT_EQ(shown(), VideoStatus::kInProgress);
  queue_->set_waiting(id, WaitsFor::kNetwork);
  EXPECT_EQ(shown(), VideoStatus::kQueued);
  ASSERT_TRUE(queue_->set_task(id, 7).ok());
  EXPECT_EQ(shown(), VideoStatus::kInProgress);
  ASSERT_TRUE(queue_->complete(id, {}, 1).ok());
  EXPECT_EQ(shown(), VideoStatus::kCompleted);
}

// Makes nothing, when it is told to.
class FakeMaker final : public Maker {
 public:
  base::Result<Outcome> make(const Making& making) override {
    if (making.video->request.prompt == "throws") throw std::runtime_error("thrown");
    if (making.video->request.prompt == "endless") {
      while (!making.stopped()) std::this_thread::sleep_for(milliseconds(1));
      return base::cancelled("stopped");
    }
    making.progress({.percent = 40});
    return Outcome{};
  }
  base::Result<std::uint64_t> abandon(const Video& /*video*/) override { return std::uint64_t{0}; }
};

TEST_F(Queues, ARunnerMakesFailsAndForgets) {
  const std::string good = submit("a", "good");
  const std::string bad = submit("a", "throws");
  const std::string endless = submit("a", "endless");
  std::vector<std::unique_ptr<Maker>> makers;
  makers.push_back(std::make_unique<FakeMaker>());
  Runner runner(*queue_, std::move(makers), [] { return std::int64_t{5}; });
  const auto until = [&](const std::string& id, VideoStatus status) {
    for (int i = 0; i < 5000; ++i) {
      const VideoPointer video = queue_->find("a", id);
      if (video != nullptr && video->status == status) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  };
  EXPECT_TRUE(until(good, VideoStatus::kCompleted));
  EXPECT_TRUE(until(bad, VideoStatus::kFailed));
  EXPECT_TRUE(until(endless, VideoStatus::kInProgress));
  write_file_of(endless);
  EXPECT_TRUE(*queue_->remove("a", endless));
  for (int i = 0; i < 5000 && fs::exists(queue_->folder(endless)); ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_FALSE(fs::exists(queue_->folder(endless)));
}

TEST_F(Queues, WritersThatMeetDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 20; ++i) submit("owner" + std::to_string(t), std::to_string(i));
    });
  }
  // One that fails takes nothing of the others back.
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(database_
                     ->write([](Connection& connection) -> base::Status {
                       STARLING_TRY(connection.execute("DELETE FROM videos"));
                       return base::invalid("no");
                     })
                     .ok());
  }
  for (std::thread& thread : threads) thread.join();
  open();
  EXPECT_EQ(queue_->size(), 160U);
  EXPECT_EQ(queue_->list("owner3", "", 100, true)->videos.size(), 20U);
}

TEST_F(Queues, BudgetsHold) {
  const auto keys = ApiKeys::open(*database_);
  ASSERT_TRUE(keys.ok());
  NewKey wanted;
  wanted.budget = 100;
  const auto key = (*keys)->create(wanted, 1);
  ASSERT_TRUE(key.ok());
  const std::string owner = key->key.id;
  const std::string first = submit(owner, "1");
  const std::string second = submit(owner, "2");
  ASSERT_TRUE(queue_->claim(kSoon) && queue_->claim(kSoon));
  EXPECT_TRUE(queue_->reserve(first, 80).ok());
  EXPECT_TRUE(queue_->reserve(first, 80).ok()) << "it has them";
  EXPECT_EQ(queue_->reserve(second, 30).error().code, base::ErrorCode::kLimit);
  Outcome outcome;
  outcome.price = 60;
  EXPECT_TRUE(queue_->complete(first, outcome, 1).ok());
  EXPECT_EQ(**(*keys)->left(owner), 40U);
  EXPECT_TRUE(queue_->reserve(second, 30).ok());
  EXPECT_TRUE(queue_->fail(second, {"a", "b"}, 1).ok());
  EXPECT_EQ(**(*keys)->left(owner), 40U);
  // Who asks without a key has no budget.
  const std::string free = submit("", "3");
  EXPECT_TRUE(queue_->reserve(free, 1'000'000).ok());
}

TEST_F(Queues, ADatabaseOfTheFirstVersionGoesOn) {
  NewVideo remixed = asked("", "remixed");
  const std::string id = queue_->submit(remixed, 100)->video->id;
  const auto as_it_was = database_->write([&](Connection& connection) -> base::Status {
    STARLING_TRY(
        connection.execute("DROP TABLE paces; ALTER TABLE keys DROP COLUMN expires_at; ALTER TABLE videos DROP COLUMN "
                           "source; ALTER TABLE videos DROP COLUMN awaited;"
                           "CREATE TABLE sources (video TEXT PRIMARY KEY, source TEXT NOT NULL) STRICT"));
    STARLING_ASSIGN(Statement note,
                    connection.prepare("INSERT INTO sources (video, source) VALUES (?, 'video_first')"));
    return note.bind(1, id).run();
  });
  ASSERT_TRUE(as_it_was.ok()) << as_it_was.error().message;
  ASSERT_TRUE(database_->read([](Connection& c) { return c.execute("PRAGMA user_version=1"); }).ok());
  for (int times = 0; times < 2; ++times) {
    open();
    const VideoPointer video = queue_->find("", id);
    ASSERT_NE(video, nullptr);
    EXPECT_EQ(video->source, "video_first");
    EXPECT_FALSE(video->awaited);
  }
}

// A disk of its own, which takes a superuser.
TEST_F(Queues, OnAFullDiskVideosCanBeDeleted) {
  const fs::path disk = home_ / "disk";
  fs::create_directories(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=8m") != 0) GTEST_SKIP() << "nobody may mount here";
  const std::unique_ptr<const fs::path, void (*)(const fs::path*)> mounted(
      &disk, [](const fs::path* one) { EXPECT_EQ(::umount2(one->c_str(), MNT_DETACH), 0); });
  auto database = *Database::open(disk / "jobs.sqlite");
  QueueOptions options;
  options.folder = disk / "videos";
  const auto queue = *VideoQueue::open(*database, options);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(queue->submit(asked("", "x"), 100)->video->id);
  const auto claim = queue->claim(kSoon);
  ASSERT_TRUE(claim.has_value());
  EXPECT_TRUE(queue->complete(claim->video->id, Outcome(), 101).ok());
  // Nothing is left of the disk, to the last byte.
  std::ofstream rest(disk / "rest", std::ios::binary);
  const std::string piece(512, 'x');
  while (rest.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) continue;
  bool full = false;
  for (int i = 0; i < 5000 && !full; ++i) full = !queue->submit(asked("", std::string(3000, 'x')), 102).ok();
  ASSERT_TRUE(full);
  for (const std::string& id : ids) {
    const auto removed = queue->remove("", id);
    ASSERT_TRUE(removed.ok()) << removed.error().message;
    EXPECT_TRUE(*removed);
    EXPECT_EQ(queue->find("", id), nullptr);
  }
  // Once there is room, some of it is kept again.
  EXPECT_FALSE(fs::exists(disk / "videos" / "reserve"));
  rest.close();
  fs::remove(disk / "rest");
  EXPECT_TRUE(queue->expire(103).ok());
  EXPECT_TRUE(fs::exists(disk / "videos" / "reserve"));
}

TEST_F(Queues, NobodyIsToldOfVideosThatAreWaitedFor) {
  auto keys = ApiKeys::open(*database_);
  ASSERT_TRUE(keys.ok());
  NewKey wanted;
  wanted.webhook_url = "http://127.0.0.1:1/hook";
  const auto made = (*keys)->create(wanted, 100);
  ASSERT_TRUE(made.ok()) << made.error().message;
  queue_->set_on_end(Webhooks::enter);
  const auto told = [&] {
    std::int64_t count = -1;
    EXPECT_TRUE(database_
                    ->read([&](Connection& connection) -> base::Status {
                      STARLING_ASSIGN(Statement row, connection.prepare("SELECT count(*) FROM deliveries"));
                      STARLING_TRY(row.step());
                      count = row.integer(0);
                      return {};
                    })
                    .ok());
    return count;
  };
  for (const bool awaited : {true, false}) {
    NewVideo video = asked(made->key.id, "x");
    video.awaited = awaited;
    const std::string id = queue_->submit(video, 100)->video->id;
    ASSERT_TRUE(queue_->claim(kSoon).has_value());
    ASSERT_TRUE(queue_->complete(id, Outcome(), 101).ok());
    EXPECT_EQ(told(), awaited ? 0 : 1);
  }
}

TEST(Databases, ThoseOfOthersAreRefused) {
  const fs::path home = fs::temp_directory_path() / ("starling-jobs-other-" + std::to_string(::getpid()));
  fs::create_directories(home);
  std::ofstream(home / "text")
      << "this is no database at all, but it is long enough to look at, and then some more of it";
  EXPECT_FALSE(Database::open(home / "text").ok());
  EXPECT_FALSE(Database::open(home / "missing" / "file").ok());
  {
    const auto database = Database::open(home / "later");
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)->read([](Connection& c) { return c.execute("PRAGMA user_version=99"); }).ok());
  }
  EXPECT_EQ(Database::open(home / "later").error().code, base::ErrorCode::kUnsupported);
  fs::remove_all(home);
}

}  // namespace
}  // namespace starling::jobs
