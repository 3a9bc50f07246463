#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "models/checkpoint.h"
#include "temporary_folder.h"
#include "train/flow_data.h"
#include "train/flow_objective.h"
#include "train/run.h"
#include "train/step.h"
#include "train/vae_objective.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;

Recipe small_recipe(ModelPart part) {
  Recipe recipe = default_recipe(part);
  recipe.width = 32;
  recipe.height = 32;
  recipe.frames = 5;
  recipe.batch = 2;
  recipe.crop = 16;
  recipe.channels = 8;
  recipe.schedule = {.steps = 6, .warmup = 1, .decay = 2, .rate = 2e-3F, .final_fraction = 0.1F};
  recipe.first_latent_clips = 4;
  recipe.latent_clips = 8;
  return recipe;
}

class Objectives : public FolderTest {
 protected:
  static exact::Engine engine(int threads) {
    auto engine = exact::Engine::create({"", threads});
    EXPECT_TRUE(engine.ok());
    return std::move(*engine);
  }

  RunOptions options(const char* name) const {
    RunOptions options;
    options.folder = folder_ / name;
    options.resume = true;
    options.progress = base::ProgressMode::kQuiet;
    return options;
  }

  // Trains a small autoencoder from the world, or goes on with `start`.
  RunSummary train_vae(const Recipe& recipe, const char* name, const TrainedVae* start = nullptr, int threads = 1) {
    auto datasets = open_datasets(recipe);
    EXPECT_TRUE(datasets.ok());
    const auto objective =
        start == nullptr ? make_vae_objective(recipe, *datasets) : make_vae_objective(recipe, *start, *datasets);
    exact::Engine on = engine(threads);
    auto summary = run_training(on, recipe, *objective, options(name));
    EXPECT_TRUE(summary.ok()) << summary.error().message;
    return summary.ok() ? *summary : RunSummary{};
  }
};

TEST_F(Objectives, AnAutoencoderIsTrainedAndSaved) {
  Recipe recipe = small_recipe(ModelPart::kVae);
  recipe.schedule.steps = 40;
  const RunSummary summary = train_vae(recipe, "vae");
  EXPECT_TRUE(summary.finished);
  EXPECT_LT(summary.loss, 1.5);
  ASSERT_FALSE(summary.validation.empty());
  EXPECT_EQ(summary.validation[0].first, "psnr_db");
  EXPECT_TRUE(fs::exists(folder_ / "vae" / "loss.png"));
  EXPECT_TRUE(fs::exists(folder_ / "vae" / "reconstruction.png"));
  const auto vae = load_vae(folder_ / "vae" / "vae");
  ASSERT_TRUE(vae.ok()) << vae.error().message;
  EXPECT_EQ(vae->config.base_dim, 8);
  EXPECT_NE(vae->config.latents_std[0], 1.0F);
}

// Sums of differences between neighbours in the batch: of rows, and of frames.
double activity(const exact::Tensor& video) {
  const exact::Shape& shape = video.shape();
  const auto pixel = shape[4];
  const auto frame = shape[2] * shape[3] * pixel;
  double sum = 0.0;
  for (std::int64_t i = 0; i < video.elements() - frame; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const float value = video.f32()[at];
    if (i / pixel % shape[3] + 1 < shape[3])
      sum += std::fabs(video.f32()[at + static_cast<std::size_t>(pixel)] - value);
    if (i / frame % shape[1] + 1 < shape[1])
      sum += std::fabs(video.f32()[at + static_cast<std::size_t>(frame)] - value);
  }
  return sum;
}

TEST_F(Objectives, CropsMayBeChosenWhereMostIsGoingOn) {
  Recipe recipe = small_recipe(ModelPart::kVae);
  recipe.batch = 16;
  const auto crops = [&](std::int64_t candidates) {
    recipe.crop_candidates = candidates;
    auto batch = make_vae_objective(recipe, *open_datasets(recipe))->batch(3);
    EXPECT_TRUE(batch.ok());
    return activity(batch->inputs.at("video"));
  };
  EXPECT_GT(crops(8), 1.2 * crops(1));
}

TEST_F(Objectives, ADecoderIsTrainedWithoutTouchingLatents) {
  train_vae(small_recipe(ModelPart::kVae), "first");
  const auto before = load_vae(folder_ / "first" / "vae");
  ASSERT_TRUE(before.ok());
  Recipe recipe = small_recipe(ModelPart::kVae);
  recipe.start_hash = before->hash.hex();
  recipe.decoder_only = 1;
  train_vae(recipe, "second", &*before);
  const auto after = load_vae(folder_ / "second" / "vae");
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(before->latent_hash, after->latent_hash);
  EXPECT_NE(before->hash, after->hash);
}

TEST_F(Objectives, ATransformerIsTrainedToTheSameBitsOnAnyThreadsAndSavedAsAModel) {
  train_vae(small_recipe(ModelPart::kVae), "vae");
  std::vector<double> losses;
  for (const int threads : {1, 2}) {
    auto vae = load_vae(folder_ / "vae" / "vae");
    ASSERT_TRUE(vae.ok());
    Recipe recipe = small_recipe(ModelPart::kTransformer);
    recipe.vae_hash = vae->latent_hash.hex();
    const std::string name = "transformer" + std::to_string(threads);
    FlowSetting setting{.folder = folder_ / name, .vae = std::move(*vae)};
    ASSERT_TRUE(open_data(recipe, setting).ok());
    auto objective = make_flow_objective(recipe, std::move(setting));
    ASSERT_TRUE(objective.ok()) << objective.error().message;
    exact::Engine on = engine(threads);
    int asked = 0;
    const auto stop = [&]() -> base::Status {
      return ++asked == 1 ? base::Status(base::cancelled("stop")) : base::Status();
    };
    const base::Status stopped = (*objective)->prepare(on, 0, stop);
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, base::ErrorCode::kCancelled);
    const auto summary = run_training(on, recipe, **objective, options(name.c_str()));
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    losses.push_back(summary->validation.at(0).second);
    // A fresh model predicts almost nothing of noise − data, whose variance is about 2.
    EXPECT_GT(losses.back(), 0.5);
    EXPECT_LT(losses.back(), 4.0);
    const auto model = models::Checkpoint::open(folder_ / name / "model");
    EXPECT_TRUE(model.ok()) << model.error().message;
    EXPECT_TRUE(fs::exists(folder_ / name / "samples.png"));
  }
  EXPECT_EQ(losses[0], losses[1]);
}

// Clips of the world, but only so many.
class FewClips final : public Dataset {
 public:
  FewClips(std::shared_ptr<const Dataset> world, std::uint64_t count) : world_(std::move(world)), count_(count) {}
  base::Result<Clip> clip(std::uint64_t index) const override { return world_->clip(index % count_); }
  std::string caption(std::uint64_t index, std::uint64_t epoch) const override {
    return world_->caption(index % count_, epoch);
  }
  base::Hash identity() const override { return world_->identity(); }
  std::optional<std::uint64_t> items() const override { return count_; }

 private:
  std::shared_ptr<const Dataset> world_;
  std::uint64_t count_;
};

TEST_F(Objectives, FewClipsAreEncodedOnceBeforeTheFirstStep) {
  train_vae(small_recipe(ModelPart::kVae), "vae");
  auto vae = load_vae(folder_ / "vae" / "vae");
  ASSERT_TRUE(vae.ok());
  Recipe recipe = small_recipe(ModelPart::kTransformer);
  recipe.vae_hash = vae->latent_hash.hex();
  recipe.first_latent_clips = recipe.latent_clips = 1000;
  auto datasets = open_datasets(recipe);
  ASSERT_TRUE(datasets.ok());
  auto objective = make_flow_objective(recipe, {.folder = folder_ / "few",
                                                .training = {std::make_shared<FewClips>(datasets->training, 6)},
                                                .held_out = datasets->held_out,
                                                .vae = std::move(*vae)});
  ASSERT_TRUE(objective.ok()) << objective.error().message;
  exact::Engine on = engine(1);
  int asked = 0;
  const auto count = [&]() -> base::Status {
    return ++asked < 9 ? base::Status() : base::Status(base::cancelled("many"));
  };
  EXPECT_TRUE((*objective)->prepare(on, 0, count).ok());
  EXPECT_EQ(asked, 2) << "6 clips, 4 at a time";
}

// Two latent frames of 32×32; wider ones, one and three of as large a picture.
Recipe mixed_recipe() {
  Recipe recipe = small_recipe(ModelPart::kTransformer);
  recipe.shapes = "48x32x5, 32x32x1,32x32x9";
  recipe.window_permille = 500;
  recipe.clean_frames_permille = 0;
  recipe.first_latent_clips = recipe.latent_clips = 20;
  return recipe;
}

TEST_F(Objectives, GradientsTakeClipsOfEveryShapeAndWindowsOfLongerOnes) {
  train_vae(small_recipe(ModelPart::kVae), "vae");
  const auto vae = load_vae(folder_ / "vae" / "vae");
  ASSERT_TRUE(vae.ok());
  const Recipe recipe = mixed_recipe();
  FlowSetting setting{.folder = folder_ / "mixed", .vae = *vae};
  ASSERT_TRUE(open_data(recipe, setting).ok());
  ASSERT_EQ(setting.training.size(), 4U);
  fs::create_directories(setting.folder);
  const auto data = FlowData::open(recipe, setting.folder, *vae, setting.training);
  ASSERT_TRUE(data.ok()) << data.error().message;
  exact::Engine on = engine(2);
  ASSERT_TRUE((*data)->prepare(on, 0, [] { return base::Status(); }).ok());
  const std::int64_t z = vae->config.z_dim;
  const std::vector<exact::Shape> shapes{{2, 2, 4, 4, z}, {1, 2, 4, 6, z}, {4, 1, 4, 4, z}, {1, 3, 4, 4, z}};
  EXPECT_EQ((*data)->shapes(), shapes);

  auto longer = LatentSource::open(setting.folder / "latents-32x32x9.bin", *vae, setting.training[3], {32, 32, 9, 8});
  ASSERT_TRUE(longer.ok());
  ASSERT_GT((*longer)->size(), 0U);
  const auto frame = static_cast<std::size_t>(4 * 4 * z);
  std::set<std::vector<float>> ends;  // two last frames of each long clip
  for (std::uint64_t i = 0; i < (*longer)->size(); ++i) {
    std::vector<float> clip(3 * frame);
    ASSERT_TRUE((*longer)->read(i, clip).ok());
    ends.insert(std::vector<float>(clip.begin() + static_cast<std::ptrdiff_t>(frame), clip.end()));
  }
  std::vector<std::string> captions;
  for (std::uint64_t i = 0; i < 200; ++i) captions.push_back(setting.training[0]->caption(i, 0));
  auto tokenizer = models::train_tokenizer(captions, 128);
  ASSERT_TRUE(tokenizer.ok());
  const auto words = models::Tokenizer::load(*std::move(tokenizer));
  ASSERT_TRUE(words.ok());
  std::set<std::size_t> drawn;
  int windows = 0;
  int wholes = 0;
  for (std::uint64_t index = 0; index < 60; ++index) {
    const auto batch = (*data)->batch(index, *words);
    ASSERT_TRUE(batch.ok()) << batch.error().message;
    drawn.insert(batch->graph);
    EXPECT_EQ(batch->inputs.at("latents").shape(), shapes[batch->graph]);
    if (batch->graph != 0) continue;
    const auto noisy = batch->inputs.at("noisy").f32();
    const auto latents = batch->inputs.at("latents").f32();
    for (std::size_t i = 0; i < 2; ++i) {
      const auto clip = latents.subspan(i * 2 * frame, 2 * frame);
      const bool window = ends.contains(std::vector<float>(clip.begin(), clip.end()));
      EXPECT_EQ(noisy[2 * i], window ? 0.0F : 1.0F);
      EXPECT_EQ(noisy[2 * i + 1], 1.0F);
      ++(window ? windows : wholes);
    }
  }
  EXPECT_EQ(drawn.size(), 4U);
  EXPECT_GT(windows, 3);
  EXPECT_GT(wholes, 3);
}

TEST_F(Objectives, AMixtureIsTrainedToTheSameBitsOnAnyThreads) {
  train_vae(small_recipe(ModelPart::kVae), "vae");
  std::vector<double> losses;
  for (const int threads : {1, 2}) {
    auto vae = load_vae(folder_ / "vae" / "vae");
    ASSERT_TRUE(vae.ok());
    Recipe recipe = mixed_recipe();
    recipe.blocks = 2;
    recipe.heads = 3;
    recipe.gradients = 2;
    const std::string name = "mixed" + std::to_string(threads);
    FlowSetting setting{.folder = folder_ / name, .vae = std::move(*vae)};
    ASSERT_TRUE(open_data(recipe, setting).ok());
    const auto objective = make_flow_objective(recipe, std::move(setting));
    ASSERT_TRUE(objective.ok()) << objective.error().message;
    exact::Engine on = engine(threads);
    const auto summary = run_training(on, recipe, **objective, options(name.c_str()));
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    losses.push_back(summary->validation.at(0).second);
    const auto model = models::Checkpoint::open(folder_ / name / "model");
    ASSERT_TRUE(model.ok()) << model.error().message;
    EXPECT_EQ(model->config().transformer.num_layers, 2);
  }
  EXPECT_EQ(losses[0], losses[1]);
}

TEST(Shapes, WhatIsNoShapeIsSaidSo) {
  Recipe recipe = default_recipe(ModelPart::kTransformer);
  for (const char* text :
       {"64", "64x64", "64x64x16", "60x64x17", "0x64x17", "-16x64x17", "64x64x17x1", "64x64x17,,32x32x17", ",",
        "64x64x17;64x64x17", "2048x64x17", "64x64x999999999999", "64x64x-3"}) {
    recipe.shapes = text;
    EXPECT_FALSE(batch_shapes(recipe).ok()) << text;
  }
  recipe.shapes = "128x128x17, 64x64x1";
  const auto shapes = batch_shapes(recipe);
  ASSERT_TRUE(shapes.ok());
  ASSERT_EQ(shapes->size(), 3U);
  EXPECT_EQ((*shapes)[1].batch, 4);
  EXPECT_EQ((*shapes)[2].batch, 80);
  recipe.draws_per_clip = 8;
  EXPECT_EQ((*batch_shapes(recipe))[1].batch, 8) << "whole clips, each drawn as often";
}

TEST_F(Objectives, AMissingOrForeignAutoencoderIsAnError) {
  EXPECT_FALSE(load_vae(folder_ / "nowhere").ok());
  fs::create_directories(folder_ / "empty");
  EXPECT_FALSE(load_vae(folder_ / "empty").ok());
}

}  // namespace
}  // namespace starling::train
