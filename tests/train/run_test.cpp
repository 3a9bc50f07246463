#include "train/run.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/interrupt.h"
#include "temporary_folder.h"
#include "toy_objective.h"
#include "train/checkpoint.h"
#include "train/draws.h"
#include "train/run_log.h"
#include "train/step_roots.h"
#include "train/training_receipt.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

class Training : public FolderTest {
 protected:
  static base::Result<RunSummary> run(const fs::path& folder, const Recipe& recipe, bool resume, int threads = 1,
                                      double checkpoint_seconds = 1e9, std::uint64_t slow_step = ToyObjective::kNever,
                                      double minutes = 0.0) {
    STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({"", threads}));
    ToyObjective objective(recipe, slow_step);
    RunOptions options;
    options.folder = folder;
    options.resume = resume;
    options.minutes = minutes;
    options.checkpoint_seconds = checkpoint_seconds;
    options.log_steps = 2;
    options.validation_steps = 4;
    options.progress = base::ProgressMode::kQuiet;
    return run_training(engine, recipe, objective, options);
  }

  static base::Bytes newest_bytes(const fs::path& folder) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".starling" && entry.path() > newest) newest = entry.path();
    }
    auto bytes = base::read_file(newest, std::size_t{1} << 24);
    EXPECT_TRUE(bytes.ok());
    return bytes.ok() ? *bytes : base::Bytes{};
  }
};

TEST_F(Training, LowersTheLoss) {
  const auto summary = run(folder_ / "a", toy_recipe(400), false);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_TRUE(summary->finished);
  EXPECT_EQ(summary->steps, 400U);
  const auto log = RunLog::open(folder_ / "a", 400);
  ASSERT_TRUE(log.ok());
  const auto losses = log->series("loss");
  ASSERT_EQ(losses.size(), 200U);
  EXPECT_LT(losses.back().second, 0.02 * losses.front().second);
}

TEST_F(Training, GivesTheSameBitsWithMoreThreadsAndAfterAStop) {
  ASSERT_TRUE(run(folder_ / "whole", toy_recipe(30), false).ok());
  ASSERT_TRUE(run(folder_ / "parts", toy_recipe(11), false, 2).ok());
  // A shorter schedule would have lowered its rate: begin again with the whole one, and stop it at some moment.
  fs::remove_all(folder_ / "parts");
  Recipe flat = toy_recipe(16);
  flat.schedule.decay = 0;
  ASSERT_TRUE(run(folder_ / "parts", flat, false, 2).ok());
  const auto resumed = run(folder_ / "parts", toy_recipe(30), true, 2);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(newest_bytes(folder_ / "whole"), newest_bytes(folder_ / "parts"));
}

TEST_F(Training, GivesTheSameBitsAfterBeingKilledAtAnyMoment) {
  const Recipe recipe = toy_recipe(60);
  ASSERT_TRUE(run(folder_ / "whole", recipe, false).ok());
  Draws draws(static_cast<std::uint64_t>(::getpid()), Purpose::kChoice, 0);
  for (int attempt = 0; attempt < 4; ++attempt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    // Checkpoints after every step, so that most kills fall into one.
    if (child == 0) ::_exit(run(folder_ / "killed", recipe, true, 1, 0.0).ok() ? 0 : 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + draws.below(60)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "a resumed run failed";
  }
  const auto resumed = run(folder_ / "killed", recipe, true);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(newest_bytes(folder_ / "whole"), newest_bytes(folder_ / "killed"));
  for (const std::string_view name : {kStepRootsName, kTrainingReceiptName}) {
    const auto whole = base::read_file(folder_ / "whole" / name, 1 << 20);
    const auto killed = base::read_file(folder_ / "killed" / name, 1 << 20);
    ASSERT_TRUE(whole.ok() && killed.ok()) << name;
    EXPECT_EQ(*whole, *killed) << name;
  }
}

TEST_F(Training, EndsWithACheckpointWhileItPreparesAStep) {
  const Recipe recipe = toy_recipe(30);
  ASSERT_TRUE(run(folder_ / "whole", recipe, false).ok());
  for (const std::uint64_t slow_step : {std::uint64_t{0}, std::uint64_t{7}}) {
    const auto late = run(folder_ / "parts", recipe, true, 1, 1e9, slow_step, 1e-3);
    ASSERT_TRUE(late.ok()) << late.error().message;
    EXPECT_FALSE(late->finished);
    EXPECT_LE(late->steps, slow_step);
    base::catch_interrupts();
    ::raise(SIGINT);
    const auto interrupted = run(folder_ / "parts", recipe, true, 1, 1e9, slow_step);
    base::clear_interrupt();
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
    ASSERT_TRUE(interrupted.ok()) << interrupted.error().message;
    EXPECT_FALSE(interrupted->finished);
  }
  const auto resumed = run(folder_ / "parts", recipe, true);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_TRUE(resumed->loss.has_value());
  EXPECT_EQ(newest_bytes(folder_ / "whole"), newest_bytes(folder_ / "parts"));
  // No step, no loss.
  const auto done = run(folder_ / "parts", recipe, true);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(done->finished);
  EXPECT_FALSE(done->loss.has_value());
}

TEST_F(Training, RefusesAFolderInUseAndAnotherRecipe) {
  ASSERT_TRUE(run(folder_ / "a", toy_recipe(20), false).ok());
  const auto again = run(folder_ / "a", toy_recipe(20), false);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("--resume"), std::string::npos);
  Recipe other = toy_recipe(20);
  other.seed = 2;
  const auto resumed = run(folder_ / "a", other, true);
  ASSERT_FALSE(resumed.ok());
  EXPECT_NE(resumed.error().message.find("seed"), std::string::npos);
}

TEST_F(Training, RefusesAFolderThatAnotherProcessTrainsIn) {
  Recipe endless = toy_recipe(1'000'000);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(run(folder_ / "a", endless, true).ok() ? 0 : 1);
  for (int i = 0; i < 500 && !fs::exists(folder_ / "a" / "log.jsonl"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto second = run(folder_ / "a", endless, true);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
}

TEST_F(Training, RefusesADamagedCheckpoint) {
  ASSERT_TRUE(run(folder_ / "a", toy_recipe(6), false).ok());
  fs::path file;
  for (const auto& entry : fs::directory_iterator(folder_ / "a")) {
    if (entry.path().extension() == ".starling") file = entry.path();
  }
  auto bytes = base::read_file(file, std::size_t{1} << 24);
  ASSERT_TRUE(bytes.ok());
  const base::Bytes whole = *bytes;
  for (const std::size_t place :
       {std::size_t{0}, std::size_t{9}, std::size_t{40}, whole.size() / 2, whole.size() - 1}) {
    base::Bytes damaged = whole;
    damaged[place] ^= 1U;
    ASSERT_TRUE(base::write_file(file, damaged).ok());
    EXPECT_FALSE(load_newest_checkpoint(folder_ / "a").ok()) << place;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{48}, whole.size() - 1}) {
    ASSERT_TRUE(base::write_file(file, base::ByteView(whole).first(size)).ok());
    EXPECT_FALSE(load_newest_checkpoint(folder_ / "a").ok()) << size;
  }
}

TEST_F(Training, KeepsTwoCheckpoints) {
  ASSERT_TRUE(run(folder_ / "a", toy_recipe(9), false, 1, 0.0).ok());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_ / "a")) {
    if (entry.path().extension() == ".starling") names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"checkpoint-000000008.starling", "checkpoint-000000009.starling"}));
}

}  // namespace
}  // namespace starling::train
