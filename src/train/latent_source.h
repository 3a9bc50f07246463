#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <memory>

#include "train/latent_cache.h"
#include "train/trained_vae.h"

namespace starling::train {

// The latents of a data set's clips 0, 1, ..., encoded in order and kept in a file; pictures are drawn on another
// thread while the engine encodes.
class LatentSource {
 public:
  static base::Result<std::unique_ptr<LatentSource>> open(const std::filesystem::path& file, const TrainedVae& vae,
                                                          std::shared_ptr<const Dataset> dataset,
                                                          const ClipShape& shape);

  // Encodes until there are `clips` at least. Calls `progress` after each few clips and stops with its error.
  base::Status grow(exact::Engine& engine, std::uint64_t clips,
                    const std::function<base::Status(std::uint64_t)>& progress = {});
  std::uint64_t size() const { return cache_.size(); }
  const exact::Shape& shape() const { return latent_shape_; }  // of one clip: [frames', height', width', z]
  // Not while grow() runs, but beside other reads. Preconditions as LatentCache::read's.
  base::Status read(std::uint64_t index, std::span<float> out) const { return cache_.read(index, out); }

 private:
  LatentSource(LatentCache cache, VaeEncoder encoder, std::shared_ptr<const Dataset> dataset, const ClipShape& shape,
               const exact::Shape& latent_shape)
      : cache_(std::move(cache)),
        encoder_(std::move(encoder)),
        dataset_(std::move(dataset)),
        clip_shape_(shape),
        latent_shape_(latent_shape) {}
  void draw_ahead(std::uint64_t first);

  LatentCache cache_;
  VaeEncoder encoder_;
  std::shared_ptr<const Dataset> dataset_;
  ClipShape clip_shape_;
  exact::Shape latent_shape_;
  std::uint64_t drawn_first_ = 0;
  std::future<base::Result<exact::Tensor>> drawn_;
};

}  // namespace starling::train
