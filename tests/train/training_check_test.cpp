#include "train/training_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "temporary_folder.h"
#include "toy_objective.h"
#include "train/checkpoint.h"
#include "train/run.h"
#include "train/step_roots.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

class TrainingReceipts : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    run_ = folder_ / "run";
    train(20, 10);
  }

  void train(std::uint64_t steps, std::uint64_t keep_every) {
    auto engine = exact::Engine::create({"", 1});
    ASSERT_TRUE(engine.ok());
    Recipe recipe = toy_recipe(30);
    if (steps < 30) {
      recipe.schedule.steps = steps;
      recipe.schedule.decay = 0;
    }
    ToyObjective objective(recipe);
    RunOptions options;
    options.folder = run_;
    options.resume = true;
    options.checkpoint_seconds = 1e9;
    options.keep_every = keep_every;
    options.progress = base::ProgressMode::kQuiet;
    const auto summary = run_training(*engine, recipe, objective, options);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
  }

  base::Result<TrainingReceipt> receipt() const {
    STARLING_ASSIGN(const std::string text,
                    base::read_text_file(run_ / kTrainingReceiptName, kMaxTrainingReceiptBytes));
    EXPECT_TRUE(is_training_receipt(text));
    return parse_training_receipt(text);
  }

  base::Result<TrainingCheckResult> check(const TrainingReceipt& receipt, std::uint64_t steps, std::uint64_t within,
                                          int threads = 1) const {
    STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({"", threads}));
    ToyObjective objective(receipt.recipe);
    TrainingCheckOptions options;
    options.folder = run_;
    options.steps = steps;
    options.within = within;
    options.random = [state = std::uint64_t{1}]() mutable { return state = state * 6364136223846793005U + 1442695U; };
    return check_training(engine, receipt, objective, folder_ / "scratch", options);
  }

  std::string difference(const TrainingReceipt& receipt, std::uint64_t steps = 100) const {
    const auto result = check(receipt, steps, 100);
    if (!result.ok()) return "error: " + result.error().message;
    return result->difference ? result->difference->message : "";
  }

  StepRoots read_roots() const {
    const auto bytes = base::read_file(run_ / kStepRootsName, 1 << 20);
    EXPECT_TRUE(bytes.ok());
    const auto list = decode_step_roots(*bytes);
    EXPECT_TRUE(list.ok());
    return *list;
  }
  // Writes a list, and a receipt that is of it.
  TrainingReceipt forge(const StepRoots& list, TrainingReceipt receipt) const {
    const base::Bytes bytes = encode_step_roots(list);
    EXPECT_TRUE(base::write_file(run_ / kStepRootsName, bytes).ok());
    receipt.step_roots = base::sha256(bytes);
    receipt.first = list.first;
    receipt.steps = list.last();
    return receipt;
  }

  fs::path run_;
};

TEST_F(TrainingReceipts, HoldForEveryStepOnAnyNumberOfThreads) {
  train(30, 10);
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok()) << claimed.error().message;
  EXPECT_EQ(claimed->first, 0U);
  EXPECT_EQ(claimed->steps, 30U);
  for (const int threads : {1, 2}) {
    const auto all = check(*claimed, 1000, 1000, threads);
    ASSERT_TRUE(all.ok()) << all.error().message;
    EXPECT_FALSE(all->difference) << all->difference->message;
    EXPECT_EQ(all->drawn, 30U);
    EXPECT_EQ(all->made, 30U);
    EXPECT_TRUE(all->model);
  }
}

TEST_F(TrainingReceipts, DrawStepsNearStatesAtHand) {
  train(30, 10);
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  // The start, 10, 20 and 30 are at hand; two steps after each of the first three.
  const auto near = check(*claimed, 100, 2);
  ASSERT_TRUE(near.ok()) << near.error().message;
  EXPECT_EQ(near->made, 6U);
  const auto one = check(*claimed, 1, 2);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->drawn, 1U);
  EXPECT_LE(one->made, 2U);
}

TEST_F(TrainingReceipts, FailWhereAStepIsAnotherOne) {
  train(30, 10);
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  StepRoots list = read_roots();
  list.roots[14] ^= 1U;
  EXPECT_NE(difference(forge(list, *claimed)).find("step 15 does not"), std::string::npos);
  list = read_roots();
  list.roots[14] ^= 1U;
  list.roots[9] ^= 1U;
  EXPECT_NE(difference(forge(list, *claimed)).find("step 10"), std::string::npos);
}

TEST_F(TrainingReceipts, FailForAnotherRecipe) {
  train(30, 10);
  auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  TrainingReceipt other = *claimed;
  other.recipe.schedule.rate *= 1.5F;
  EXPECT_NE(difference(other).find("does not give"), std::string::npos);
  other = *claimed;
  other.recipe.seed += 1;
  EXPECT_NE(difference(other).find("the start is not"), std::string::npos);
}

TEST_F(TrainingReceipts, FailForAnotherListOrModel) {
  train(30, 10);
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  TrainingReceipt other = *claimed;
  other.files["vae/weights"].bytes[0] ^= 1U;
  EXPECT_NE(difference(other).find("vae/weights"), std::string::npos);
  other = *claimed;
  other.averages.bytes[0] ^= 1U;
  EXPECT_NE(difference(other).find("averages"), std::string::npos);
  StepRoots list = read_roots();
  list.roots.pop_back();
  ASSERT_TRUE(base::write_file(run_ / kStepRootsName, encode_step_roots(list)).ok());
  EXPECT_NE(difference(*claimed).find("is not the one that the receipt is of"), std::string::npos);
}

TEST_F(TrainingReceipts, SayWhenNothingIsAtHand) {
  train(30, 10);
  auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  StepRoots list = read_roots();
  list.first = 1;
  list.start = {};
  list.roots.erase(list.roots.begin());
  for (const auto& entry : fs::directory_iterator(run_)) {
    if (entry.path().extension() == ".starling") fs::remove(entry.path());
  }
  EXPECT_NE(difference(forge(list, *claimed)).find("has one with --checkpoints"), std::string::npos);
}

TEST_F(TrainingReceipts, CoverAResumedRunAndBeginAgainWhenTheListIsLost) {
  EXPECT_EQ(read_roots().last(), 20U);
  fs::remove(run_ / kStepRootsName);
  train(30, 10);
  EXPECT_EQ(read_roots().first, 20U);
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  const auto all = check(*claimed, 1000, 1000);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_FALSE(all->difference);
  EXPECT_EQ(all->made, 10U);
}

TEST_F(TrainingReceipts, ParseOnlyWhatIsWritten) {
  const auto claimed = receipt();
  ASSERT_TRUE(claimed.ok());
  const std::string text = write_training_receipt(*claimed);
  const auto again = parse_training_receipt(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(write_training_receipt(*again), text);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    EXPECT_FALSE(parse_training_receipt(changed).ok()) << to;
  };
  refused("\"first\": 0", "\"first\": 21");
  refused("\"first\": 0", "\"first\": -1");
  refused("vae/weights", "../weights");
  refused("vae/weights", "/etc/passwd");
  refused("starling.training/1", "starling.training/2");
  refused("\"averages\"", "\"average\"");
  refused("\"seed\"", "\"sead\"");
}

TEST(StepRootLists, AreReadOnlyWhole) {
  const StepRoots list{7, base::sha256({}), {1, 2, 3}};
  const base::Bytes bytes = encode_step_roots(list);
  const auto again = decode_step_roots(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->roots, list.roots);
  EXPECT_EQ(again->first, 7U);
  EXPECT_EQ(again->start, list.start);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const bool whole = size >= 48 && (size - 48) % 8 == 0;
    EXPECT_EQ(decode_step_roots(base::ByteView(bytes).first(size)).ok(), whole) << size;
  }
  base::Bytes other = bytes;
  other[0] ^= 1U;
  EXPECT_FALSE(decode_step_roots(other).ok());
}

}  // namespace
}  // namespace starling::train
