#include "train/recipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "train/batch_shapes.h"

namespace starling::train {
namespace {

TEST(Schedule, WarmsUpStaysFlatAndFallsAlongACosine) {
  const Schedule schedule{.steps = 100, .warmup = 10, .decay = 40, .rate = 1.0F, .final_fraction = 0.1F};
  EXPECT_FLOAT_EQ(learning_rate(schedule, 0), 0.1F);
  EXPECT_FLOAT_EQ(learning_rate(schedule, 9), 1.0F);
  EXPECT_EQ(learning_rate(schedule, 10), 1.0F);
  EXPECT_EQ(learning_rate(schedule, 59), 1.0F);
  EXPECT_NEAR(learning_rate(schedule, 79), 0.55F, 1e-6F);
  EXPECT_NEAR(learning_rate(schedule, 99), 0.1F, 1e-6F);
}

TEST(AverageDecay, RisesToItsLimit) {
  EXPECT_FLOAT_EQ(average_decay(0.998F, 0), 0.1F);
  EXPECT_FLOAT_EQ(average_decay(0.998F, 90), 0.91F);
  EXPECT_EQ(average_decay(0.998F, 1'000'000), 0.998F);
}

TEST(Recipe, ReadsWhatItWrites) {
  for (const ModelPart part : {ModelPart::kVae, ModelPart::kTransformer}) {
    Recipe recipe = default_recipe(part);
    recipe.seed = 0xFFFFFFFFFFFFFFFFU;
    recipe.schedule.rate = 0.1F + 0.2F;
    recipe.average_decay = 0.9991F;
    const auto read = parse_recipe(write_recipe(recipe));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(write_recipe(*read), write_recipe(recipe));
    EXPECT_EQ(read->seed, recipe.seed);
    EXPECT_EQ(read->schedule.rate, recipe.schedule.rate);
    EXPECT_EQ(read->part, part);
  }
}

TEST(Recipe, ThoseThatAreCommittedAreGood) {
  std::size_t count = 0;
  const auto folder = std::filesystem::path(STARLING_TEST_DATA).parent_path().parent_path().parent_path() / "recipes";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++count;
    const auto text = base::read_text_file(entry.path(), 1 << 20);
    ASSERT_TRUE(text.ok());
    auto recipe = parse_recipe(*text);
    ASSERT_TRUE(recipe.ok()) << entry.path() << recipe.error().message;
    recipe->start_hash = std::string(64, '1');
    EXPECT_TRUE(validate(*recipe).ok()) << entry.path() << validate(*recipe).error().message;
    const auto shapes = batch_shapes(*recipe);
    ASSERT_TRUE(shapes.ok()) << entry.path() << shapes.error().message;
    EXPECT_EQ(shapes->size(), 1 + (recipe->shapes.empty() ? 0 : std::ranges::count(recipe->shapes, ',') + 1U));
  }
  EXPECT_GE(count, 8U);
}

TEST(Recipe, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "[]", "{}", R"({"part":"audio"})", R"({"part":"vae","batches":4})",
                           R"({"part":"vae","batch":"4"})", R"({"part":"vae","text_length":48})"}) {
    EXPECT_FALSE(parse_recipe(text).ok()) << text;
  }
}

TEST(Recipe, ValuesThatDoNotFitAreFoundWhenItIsChecked) {
  for (const char* text : {R"({"part":"vae","batch":0})", R"({"part":"vae","learning_rate":-1})",
                           R"({"part":"vae","crop":128})", R"({"part":"vae","steps":10,"decay_steps":11})"}) {
    const auto recipe = parse_recipe(text);
    ASSERT_TRUE(recipe.ok()) << text << recipe.error().message;
    EXPECT_FALSE(validate(*recipe).ok()) << text;
  }
}

TEST(Recipe, SaysWhichBatchWorks) {
  Recipe recipe = default_recipe(ModelPart::kVae);
  recipe.batch = 3;
  const auto status = validate(recipe);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("a batch of 3 "), std::string::npos) << status.error().message;
  EXPECT_NE(status.error().message.find("give a batch of 4"), std::string::npos) << status.error().message;
  recipe = default_recipe(ModelPart::kTransformer);
  recipe.batch = 9;
  recipe.draws_per_clip = 4;
  EXPECT_NE(validate(recipe).error().message.find("give a batch of 12"), std::string::npos);
}

TEST(Resuming, AllowsALongerScheduleWhileTheRateIsTheSame) {
  Recipe begun = default_recipe(ModelPart::kVae);
  begun.schedule = {.steps = 100, .warmup = 10, .decay = 40, .rate = 1e-3F, .final_fraction = 0.0F};
  Recipe wanted = begun;
  wanted.schedule.steps = 200;
  EXPECT_TRUE(may_resume(begun, wanted, 60).ok());
  EXPECT_FALSE(may_resume(begun, wanted, 61).ok());
  wanted.schedule.steps = 50;
  EXPECT_FALSE(may_resume(begun, wanted, 60).ok());
}

TEST(Resuming, NamesWhatDiffers) {
  const Recipe begun = default_recipe(ModelPart::kVae);
  Recipe wanted = begun;
  wanted.batch = 16;
  const base::Status status = may_resume(begun, wanted, 5);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("batch"), std::string::npos);
  EXPECT_FALSE(may_resume(begun, default_recipe(ModelPart::kTransformer), 0).ok());
}

}  // namespace
}  // namespace starling::train
