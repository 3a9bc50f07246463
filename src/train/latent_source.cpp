#include "train/latent_source.h"

#include "base/encoding.h"

namespace starling::train {

base::Result<std::unique_ptr<LatentSource>> LatentSource::open(const std::filesystem::path& file, const TrainedVae& vae,
                                                               std::shared_ptr<const Dataset> dataset,
                                                               const ClipShape& shape) {
  const std::int64_t stride = vae.config.spatial_stride();
  const exact::Shape latent_shape{vae.config.latent_frames(shape.frames), shape.height / stride, shape.width / stride,
                                  vae.config.z_dim};
  base::Encoder key;
  key.hash(vae.latent_hash);
  key.hash(dataset->identity());
  STARLING_ASSIGN(LatentCache cache, LatentCache::open(file, base::sha256(key.data()), latent_shape));
  STARLING_ASSIGN(VaeEncoder encoder, VaeEncoder::make(vae.config, vae.weights, shape));
  return std::unique_ptr<LatentSource>(
      new LatentSource(std::move(cache), std::move(encoder), std::move(dataset), shape, latent_shape));
}

void LatentSource::draw_ahead(std::uint64_t first) {
  drawn_first_ = first;
  drawn_ = std::async(std::launch::async, [dataset = dataset_, shape = clip_shape_, first] {
    return VaeEncoder::draw(*dataset, shape, first);
  });
}

base::Status LatentSource::grow(exact::Engine& engine, std::uint64_t clips,
                                const std::function<base::Status(std::uint64_t)>& progress) {
  while (cache_.size() < clips) {
    if (!drawn_.valid() || drawn_first_ != cache_.size()) draw_ahead(cache_.size());
    STARLING_ASSIGN(const exact::Tensor video, drawn_.get());
    draw_ahead(cache_.size() + static_cast<std::uint64_t>(VaeEncoder::kClips));
    STARLING_ASSIGN(const exact::Tensor latents, encoder_.encode(engine, video));
    STARLING_TRY(cache_.append(latents.f32()));
    if (progress) STARLING_TRY(progress(cache_.size()));
  }
  return {};
}

}  // namespace starling::train
