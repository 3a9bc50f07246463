#include "jobs/checker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>

#include "generate/random_model.h"
#include "jobs/local_maker.h"
#include "jobs/video_files.h"

namespace starling::jobs {
namespace {

namespace fs = std::filesystem;

// One video that was made on this machine.
class Checks : public testing::Test {
 protected:
  Checks() : home_(fs::temp_directory_path() / ("starling-checks-" + std::to_string(::getpid()))) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    const std::vector<std::string> sentences{"a red ball bounces on green ground"};
    auto engine = exact::Engine::create({});
    EXPECT_TRUE(models::write_checkpoint(
                    home_ / "model", *generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, *engine))
                    .ok());
    model_.emplace(*models::Checkpoint::open(home_ / "model"));
    key_.emplace(*base::SecretKey::from_bytes(base::Bytes(32, 9)));
    video_.id = "video_one";
    video_.request.prompt = "a red ball bounces";
    video_.request.width = 32;
    video_.request.height = 16;
    video_.request.frames = 9;
    video_.request.steps = 4;
  }
  ~Checks() override { fs::remove_all(home_); }

  base::Result<Outcome> make(bool watched) {
    LocalMakerOptions options;
    options.model = &*model_;
    options.key = &*key_;
    options.model_root = *model_->root();
    options.memory = std::uint64_t{1} << 30;
    options.threads = 2;
    LocalMaker maker(options);
    Making making;
    making.video = std::make_shared<const Video>(video_);
    making.folder = home_ / "video";
    making.stopped = [] { return false; };
    making.progress = [this](const Progress& progress) { progress_.push_back(progress); };
    making.watched = [watched] { return watched; };
    making.show = [this](const Preview& preview) { previews_.push_back(preview); };
    return maker.make(making);
  }
  CheckerOptions options() const {
    CheckerOptions options;
    options.model = &*model_;
    options.model_root = *model_->root();
    options.memory = std::uint64_t{1} << 30;
    options.threads = 2;
    return options;
  }
  base::Result<CheckResult> check(std::size_t calls) { return check(calls, options()); }
  base::Result<CheckResult> check(std::size_t calls, const CheckerOptions& options) {
    names_.clear();
    base::Result<CheckResult> result = base::internal_error("not done");
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    Checker checker(options);
    Check check;
    check.folder = home_ / "video";
    check.calls = calls;
    check.stopped = [] { return false; };
    check.passed = [this](std::uint32_t, const std::string& name) { names_.push_back(name); };
    check.done = [&](const base::Result<CheckResult>& given) {
      const std::lock_guard lock(mutex);
      result = given;
      done = true;
      changed.notify_all();
    };
    EXPECT_TRUE(checker.submit(std::move(check)));
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
    return result;
  }

  const fs::path home_;
  std::optional<models::Checkpoint> model_;
  std::optional<base::SecretKey> key_;
  Video video_;
  std::vector<Preview> previews_;
  std::vector<Progress> progress_;
  std::vector<std::string> names_;
};

TEST_F(Checks, AVideoHoldsUntilABitOfItIsOther) {
  ASSERT_TRUE(make(false).ok());
  EXPECT_TRUE(previews_.empty());
  const VideoPaths paths(home_ / "video");
  const auto all = check(1000);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_FALSE(all->difference) << all->difference->message;
  EXPECT_EQ(all->checked_calls, all->total_calls);
  EXPECT_EQ(names_.size(), all->total_calls);
  EXPECT_EQ(names_.front(), "encode the prompt");
  const auto one = check(1);
  ASSERT_TRUE(one.ok());
  EXPECT_FALSE(one->difference);
  EXPECT_GE(one->checked_calls, 1U);
  EXPECT_LT(one->checked_calls, all->total_calls);

  CheckerOptions other = options();
  other.model_root = base::sha256(base::as_bytes("another"));
  EXPECT_NE(check(1, other)->difference->message.find("model"), std::string::npos);

  const auto changed = [&](const fs::path& file, std::streamoff at, const std::string& expected) {
    const fs::path kept = home_ / "kept";
    fs::copy_file(file, kept, fs::copy_options::overwrite_existing);
    {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekg(at);
      const auto byte = static_cast<char>(stream.get() ^ 1);
      stream.seekp(at);
      stream.put(byte);
    }
    const auto result = check(1000);
    fs::copy_file(kept, file, fs::copy_options::overwrite_existing);
    ASSERT_TRUE(result.ok()) << result.error().message;
    ASSERT_TRUE(result->difference) << file;
    EXPECT_NE(result->difference->message.find(expected), std::string::npos) << result->difference->message;
  };
  changed(paths.video, 200, "video");
  changed(paths.receipt, 20, "receipt");
  changed(paths.trace, static_cast<std::streamoff>(fs::file_size(paths.trace)) - 10, "");
  fs::remove(paths.receipt);
  EXPECT_FALSE(check(1).ok());
}

TEST_F(Checks, ProgressTellsStepsAndTheShareOfAllWork) {
  ASSERT_TRUE(make(false).ok());
  ASSERT_FALSE(progress_.empty());
  const auto ordered = [](const Progress& a, const Progress& b) {
    return a.percent <= b.percent && a.step <= b.step && a.steps == b.steps;
  };
  for (std::size_t i = 1; i < progress_.size(); ++i) EXPECT_TRUE(ordered(progress_[i - 1], progress_[i])) << i;
  EXPECT_EQ(progress_.back(), (Progress{98, 4, 4}));
  const auto last_step = std::ranges::find(progress_, 4U, &Progress::step);
  EXPECT_GT(last_step->percent, (last_step - 1)->percent);
  EXPECT_LT(last_step->percent, 90) << "the frames are not made yet";
}

TEST_F(Checks, PreviewsAreForWhoeverWatchesAndChangeNothing) {
  const auto plain = make(false);
  const auto watched = make(true);
  ASSERT_TRUE(plain.ok() && watched.ok());
  EXPECT_EQ(plain->receipt, watched->receipt);
  ASSERT_FALSE(previews_.empty());
  EXPECT_EQ(previews_.front().step, 1U);
  EXPECT_EQ(previews_.front().steps, 4U);
  EXPECT_EQ(previews_.front().png[1], 'P');
}

TEST_F(Checks, NoMoreWaitThanMay) {
  CheckerOptions few = options();
  few.most_waiting = 2;
  std::atomic<int> done = 0;
  std::atomic<bool> stopped = false;
  {
    Checker checker(few);
    int taken = 0;
    for (int i = 0; i < 8; ++i) {
      Check check;
      check.folder = home_ / "video";
      check.calls = 1;
      check.stopped = [&] {
        while (!stopped) std::this_thread::yield();
        return true;
      };
      check.passed = [](std::uint32_t, const std::string&) {};
      check.done = [&](const base::Result<CheckResult>& result) {
        EXPECT_EQ(result.error().code, base::ErrorCode::kCancelled);
        ++done;
      };
      if (checker.submit(std::move(check))) ++taken;
    }
    EXPECT_LE(taken, 3);
    EXPECT_GE(taken, 2);
    stopped = true;
  }
  EXPECT_GE(done, 2);
}

}  // namespace
}  // namespace starling::jobs
