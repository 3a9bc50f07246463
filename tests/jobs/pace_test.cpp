#include "jobs/pace.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "generate/random_model.h"

namespace starling::jobs {
namespace {

namespace fs = std::filesystem;

class PaceTest : public testing::Test {
 protected:
  PaceTest() : home_(fs::temp_directory_path() / ("starling-pace-" + std::to_string(::getpid()))) {
    fs::remove_all(home_);
    fs::create_directories(home_);
    const std::vector<std::string> sentences{"a red ball bounces on green ground"};
    auto engine = exact::Engine::create({});
    EXPECT_TRUE(models::write_checkpoint(
                    home_ / "model", *generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, *engine))
                    .ok());
    model_.emplace(*models::Checkpoint::open(home_ / "model"));
    request_.prompt = "a red ball bounces";
    request_.width = 64;
    request_.height = 32;
    request_.frames = 17;
    request_.steps = 4;
  }
  ~PaceTest() override { fs::remove_all(home_); }

  std::unique_ptr<Pace> open(std::int64_t most_seconds) {
    if (!database_) database_ = *Database::open(home_ / "jobs.sqlite");
    PaceOptions options;
    options.model = &*model_;
    options.most_seconds = most_seconds;
    options.threads = 1;
    return *Pace::open(*database_, options);
  }
  exact::Work work() const { return generate::text_to_video_program(model_->config(), request_)->program.work(); }

  const fs::path home_;
  std::optional<models::Checkpoint> model_;
  std::unique_ptr<Database> database_;
  generate::TextToVideo request_;
};

TEST_F(PaceTest, TheTimeOfAVideoFollowsThoseThatWereMade) {
  auto pace = open(0);
  EXPECT_GT(*pace->seconds(request_), 0.0);
  for (int i = 0; i < 20; ++i) pace->note(work(), 500.0);
  EXPECT_NEAR(*pace->seconds(request_), 500.0, 5.0);
  generate::TextToVideo other = request_;
  other.prompt = "a ball";
  other.seed = 8;
  EXPECT_EQ(*pace->seconds(other), *pace->seconds(request_));
  other.steps = 8;
  EXPECT_GT(*pace->seconds(other), *pace->seconds(request_));
  // Another process knows it too; what is new counts for more than what is old.
  const double before = *pace->seconds(request_);
  pace.reset();
  pace = open(0);
  EXPECT_NEAR(*pace->seconds(request_), before, 0.01 * before);
  for (int i = 0; i < 40; ++i) pace->note(work(), 100.0);
  EXPECT_NEAR(*pace->seconds(request_), 100.0, 5.0);
  // Of a moment nothing is learnt.
  pace->note(work(), 0.001);
  EXPECT_NEAR(*pace->seconds(request_), 100.0, 5.0);
}

TEST_F(PaceTest, WhatTakesTooLongIsRefusedWithWhatIsNear) {
  const auto pace = open(500);
  for (int i = 0; i < 20; ++i) pace->note(work(), 400.0);
  EXPECT_FALSE(pace->fits(request_)) << "nobody looked";
  EXPECT_TRUE(pace->check(request_).ok());
  EXPECT_TRUE(pace->fits(request_));
  generate::TextToVideo large = request_;
  large.width = 128;
  large.height = 64;
  const base::Status refused = pace->check(large);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kLimit);
  const std::string& message = refused.error().message;
  EXPECT_NE(message.find("128x64 with 17 frames (2 seconds) in 4 steps"), std::string::npos) << message;
  EXPECT_NE(message.find("one may take 8 minutes"), std::string::npos) << message;
  EXPECT_NE(message.find("it makes 64x32 with 17 frames (2 seconds)"), std::string::npos) << message;
  EXPECT_NE(message.find(", or 128x64 with "), std::string::npos) << message;
  EXPECT_FALSE(pace->fits(large));
  EXPECT_TRUE(open(0)->check(large).ok());
}

}  // namespace
}  // namespace starling::jobs
