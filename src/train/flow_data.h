#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "exact/engine.h"
#include "models/tokenizer.h"
#include "train/batch_shapes.h"
#include "train/dataset.h"
#include "train/draws.h"
#include "train/latent_source.h"
#include "train/objective.h"
#include "train/recipe.h"
#include "train/trained_vae.h"

namespace starling::train {

// What a flow objective learns from: latents of clips in every shape of the recipe, and their captions. Each gradient
// takes clips of one shape. Some are cut out of longer clips, so that their first latent frame is one of the middle;
// these have clean frames to begin with, as have the windows of long videos.
class FlowData {
 public:
  // Latents are kept in the folder. datasets: one for each of batch_shapes(recipe).
  static base::Result<std::unique_ptr<FlowData>> open(const Recipe& recipe, const std::filesystem::path& folder,
                                                      const TrainedVae& vae,
                                                      std::vector<std::shared_ptr<const Dataset>> datasets);

  // Of each of batch_shapes(recipe): [clips, frames', height', width', z].
  const std::vector<exact::Shape>& shapes() const { return shapes_; }
  // As Objective's.
  base::Status prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop);
  base::Result<Batch> batch(std::uint64_t index, const models::Tokenizer& tokenizer) const;

 private:
  // Clips of one shape; shapes that are listed more than once share it.
  struct Source {
    ClipShape shape;
    std::int64_t clips_of_round = 0;  // that are taken when each of the shapes is drawn once
    std::shared_ptr<const Dataset> dataset;
    std::unique_ptr<LatentSource> latents;
    std::vector<const Source*> longer;  // of the same picture size
  };

  explicit FlowData(const Recipe& recipe) : recipe_(recipe) {}
  base::Status add(const BatchShape& shape, std::shared_ptr<const Dataset> dataset, const TrainedVae& vae,
                   const std::filesystem::path& folder);
  // Clips of the source that gradient number `index` may use.
  std::uint64_t clips_at(const Source& source, std::uint64_t index) const;
  // A clip, its clean frames and its number.
  base::Result<std::uint64_t> draw_whole(const Source& source, std::uint64_t index, Draws& draws,
                                         std::span<float> latents, std::span<float> noisy) const;
  base::Result<std::uint64_t> draw_window(const Source& longer, std::uint64_t index, Draws& draws,
                                          std::span<float> latents, std::span<float> noisy) const;

  Recipe recipe_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<const Source*> source_of_;  // each shape's
  std::vector<exact::Shape> shapes_;
  std::int64_t clips_of_round_ = 0;
};

}  // namespace starling::train
