#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "models/checkpoint.h"
#include "temporary_folder.h"
#include "train/flow_batch.h"
#include "train/flow_objective.h"
#include "train/run.h"
#include "train/state.h"
#include "train/vae_objective.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

// A small model, and what learns few steps from it.
class Distillation : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    auto made = exact::Engine::create({"", 1});
    ASSERT_TRUE(made.ok());
    engine_ = std::make_unique<exact::Engine>(std::move(*made));
    const Recipe vae = small(ModelPart::kVae);
    auto datasets = open_datasets(vae);
    ASSERT_TRUE(datasets.ok());
    const auto objective = make_vae_objective(vae, std::move(*datasets));
    ASSERT_TRUE(run_training(*engine_, vae, *objective, options("vae")).ok());
    Recipe teacher = small(ModelPart::kTransformer);
    const auto taught = open(teacher, "teacher", false);
    ASSERT_TRUE(taught.ok()) << taught.error().message;
    ASSERT_TRUE(run_training(*engine_, teacher, **taught, options("teacher")).ok());
  }

  static Recipe small(ModelPart part) {
    Recipe recipe = default_recipe(part);
    recipe.width = 32;
    recipe.height = 32;
    recipe.frames = 5;
    recipe.batch = 2;
    recipe.crop = 16;
    recipe.channels = 8;
    recipe.blocks = 2;
    recipe.heads = 2;
    recipe.schedule = {.steps = 4, .warmup = 1, .decay = 1, .rate = 2e-3F, .final_fraction = 0.1F};
    recipe.first_latent_clips = 4;
    recipe.latent_clips = 8;
    return recipe;
  }

  // A student of two steps.
  static Recipe student(std::int64_t teacher_steps, float guidance) {
    Recipe recipe = small(ModelPart::kTransformer);
    recipe.student_steps = 2;
    recipe.teacher_steps = teacher_steps;
    recipe.teacher_guidance = guidance;
    recipe.shift = 1.5F;
    recipe.drop_caption_permille = 0;
    return recipe;
  }

  RunOptions options(const char* name) const {
    RunOptions options;
    options.folder = folder_ / name;
    options.resume = true;
    options.progress = base::ProgressMode::kQuiet;
    return options;
  }

  // With the teacher to start from.
  base::Result<std::unique_ptr<Objective>> open(Recipe& recipe, const std::string& name, bool from_teacher = true) {
    STARLING_ASSIGN(TrainedVae vae, load_vae(folder_ / "vae" / "vae"));
    recipe.vae_hash = vae.latent_hash.hex();
    FlowSetting setting{.folder = folder_ / name, .vae = std::move(vae)};
    if (from_teacher) {
      STARLING_ASSIGN(setting.start, models::Checkpoint::open(folder_ / "teacher" / "model"));
      recipe.start_hash = std::string(64, '1');
    }
    STARLING_TRY(open_data(recipe, setting));
    return make_flow_objective(recipe, std::move(setting));
  }

  // Of the first batch, before any training.
  base::Result<float> first_loss(Recipe recipe, const std::string& name) {
    STARLING_ASSIGN(const std::unique_ptr<Objective> objective, open(recipe, name));
    STARLING_ASSIGN(Loss loss, objective->loss());
    STARLING_TRY(objective->prepare(*engine_, 0, [] { return base::Status(); }));
    STARLING_ASSIGN(const Batch batch, objective->batch(0));
    return value_of(std::move(loss), batch.inputs);
  }

  base::Result<float> value_of(Loss loss, NamedTensors tensors) {
    tensors.insert(loss.start.begin(), loss.start.end());
    STARLING_ASSIGN(const exact::Plan plan, exact::Plan::make(std::move(loss.graphs.at(0))));
    STARLING_ASSIGN(const auto inputs, bind_inputs(plan.graph(), tensors));
    STARLING_ASSIGN(const auto outputs, engine_->run(plan, inputs));
    return outputs[0].f32()[0];
  }

  std::unique_ptr<exact::Engine> engine_;
};

TEST_F(Distillation, AStudentThatIsItsTeacherHasNothingToLearnOfOneStep) {
  const auto same = first_loss(student(1, 1.0F), "same");
  ASSERT_TRUE(same.ok()) << same.error().message;
  EXPECT_EQ(*same, 0.0F);
  const auto guided = first_loss(student(2, 3.0F), "guided");
  ASSERT_TRUE(guided.ok());
  EXPECT_GT(*guided, 0.0F);
}

TEST_F(Distillation, TheTransformerAloneIsTrainedAndAWholeModelSaved) {
  Recipe recipe = student(2, 2.0F);
  recipe.optimizer.matrix_momentum = 0.95F;
  auto objective = open(recipe, "student");
  ASSERT_TRUE(objective.ok()) << objective.error().message;
  const auto summary = run_training(*engine_, recipe, **objective, options("student"));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_TRUE(summary->finished);
  const auto teacher = models::Checkpoint::open(folder_ / "teacher" / "model");
  const auto made = models::Checkpoint::open(folder_ / "student" / "model");
  ASSERT_TRUE(teacher.ok());
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->config().scheduler.shift, 1.5F);
  EXPECT_EQ(made->config().scheduler.student_steps, 2);
  EXPECT_EQ(teacher->config().scheduler.student_steps, 0);
  const auto equal = [&](const char* name) {
    const auto a = teacher->weight(name);
    const auto b = made->weight(name);
    EXPECT_TRUE(a.ok() && b.ok()) << name;
    return a.ok() && b.ok() && std::ranges::equal(a->bytes(), b->bytes());
  };
  EXPECT_TRUE(equal("text_encoder/shared.weight"));
  EXPECT_FALSE(equal("transformer/blocks.0.ffn.net.2.weight"));
}

// Each row as often as that, side by side.
exact::Tensor repeated(const exact::Tensor& rows, std::int64_t times) {
  const exact::Shape& of = rows.shape();
  exact::Tensor out(rows.type(), {of[0] * times, of[1]});
  const std::size_t bytes = rows.bytes().size() / static_cast<std::size_t>(of[0]);
  for (std::int64_t i = 0; i < of[0] * times; ++i) {
    std::ranges::copy(row_of(rows.bytes(), of[0], i / times),
                      out.mutable_bytes().subspan(static_cast<std::size_t>(i) * bytes).begin());
  }
  return out;
}

TEST_F(Distillation, DrawsOfAClipShareItsTextAndLoseWhatTheyWouldWithTheirOwn) {
  Recipe of_the_teacher = student(2, 2.0F);
  of_the_teacher.student_steps = 0;
  for (Recipe recipe : {of_the_teacher, student(2, 1.0F), student(2, 2.0F)}) {
    recipe.batch = 4;
    recipe.clean_frames_permille = 0;
    Recipe one_each = recipe;
    recipe.draws_per_clip = 2;
    const auto shared = open(recipe, "shared");
    const auto own = open(one_each, "own");
    ASSERT_TRUE(shared.ok() && own.ok());
    const auto shared_loss = (*shared)->loss();
    const auto own_loss = (*own)->loss();
    ASSERT_TRUE(shared_loss.ok() && own_loss.ok());
    ASSERT_TRUE((*shared)->prepare(*engine_, 0, [] { return base::Status(); }).ok());
    auto batch = (*shared)->batch(0);
    ASSERT_TRUE(batch.ok()) << batch.error().message;
    const auto first = value_of(*shared_loss, batch->inputs);
    ASSERT_TRUE(first.ok()) << first.error().message;

    const exact::Tensor& latents = batch->inputs.at("latents");
    const auto clip = [&](std::int64_t row) { return row_of(latents.f32(), 4, row); };
    EXPECT_TRUE(std::ranges::equal(clip(0), clip(1)));
    EXPECT_TRUE(std::ranges::equal(clip(2), clip(3)));
    for (const char* text : {"tokens", "mask"}) {
      EXPECT_EQ(batch->inputs.at(text).shape()[0], 2);
      batch->inputs.insert_or_assign(text, repeated(batch->inputs.at(text), 2));
    }
    const auto second = value_of(*own_loss, batch->inputs);
    ASSERT_TRUE(second.ok()) << second.error().message;
    EXPECT_EQ(*first, *second);
    EXPECT_TRUE((*shared)->validate(*engine_, shared_loss->start).ok());
  }
}

TEST(DistillationRecipe, NeedsATeacher) {
  Recipe recipe = default_recipe(ModelPart::kTransformer);
  recipe.student_steps = 4;
  const base::Status status = validate(recipe);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("name the model to start from"), std::string::npos);
  recipe.start_hash = std::string(64, '1');
  EXPECT_TRUE(validate(recipe).ok());
}

}  // namespace
}  // namespace starling::train
