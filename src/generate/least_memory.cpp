// A lower bound of what a video takes, from shapes alone.
#include <algorithm>

#include "generate/text_to_video.h"
#include "models/layers.h"

namespace starling::generate {
namespace {

constexpr std::uint64_t kFloat = sizeof(float);

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// In a block's attention: keys, values, the residual stream, and the scores of one block of queries.
std::uint64_t least_of_step(const models::ModelConfig& config, const TextToVideo& request) {
  const models::TransformerConfig& transformer = config.transformer;
  const std::int64_t stride = config.vae.spatial_stride();
  const std::int64_t tokens = largest_window(config, request) / transformer.patch_size[0] *
                              (request.height / stride / transformer.patch_size[1]) *
                              (request.width / stride / transformer.patch_size[2]);
  const std::uint64_t batch = request.guidance == 1.0F ? 1 : 2;
  const std::uint64_t stream = batch * unsigned_of(tokens) * unsigned_of(transformer.width());
  const std::uint64_t scores = batch * unsigned_of(transformer.num_attention_heads) * unsigned_of(tokens) *
                               unsigned_of(std::min(tokens, models::kQueryBlockStep));
  return (3 * stream + scores) * kFloat;
}

// Where the decoder works at its finest: a convolution's padded input with its history, its output and the residual
// beside it; or the doubling before, which pads what it doubled. Between parts lie the last frames of what the
// convolutions read.
std::uint64_t least_of_decode(const models::ModelConfig& config, const TextToVideo& request) {
  constexpr std::uint64_t kHistory = 2;
  const models::VaeConfig& vae = config.vae;
  const std::vector<std::int64_t> parts = decode_parts(config, request);
  const std::size_t decodes = parts.size();
  const std::uint64_t frames = unsigned_of(
      decodes == 1 ? vae.frames(parts[0]) : *std::max_element(parts.begin() + 1, parts.end()) * vae.temporal_stride());
  const std::uint64_t picture = unsigned_of(request.width) * unsigned_of(request.height);
  // Of the smallest tile, without its margins.
  std::uint64_t pixels = picture;
  for (const models::VaeTile& tile : decode_tiles(vae, request)) {
    pixels = std::min(pixels, unsigned_of(tile.rows * tile.columns * vae.spatial_stride() * vae.spatial_stride()));
  }
  const std::uint64_t positions = pixels / unsigned_of(vae.patch_size * vae.patch_size);
  const auto map = [&](std::size_t level) {
    return positions * unsigned_of(vae.decoder_base_dim * vae.dim_mult[level]) * kFloat;
  };
  const std::uint64_t convolution = (3 * frames + kHistory) * map(0);
  const std::uint64_t doubling = vae.levels() > 1 ? frames * map(1) * 3 / 2 : 0;
  const std::uint64_t caches = unsigned_of(2 * vae.num_res_blocks + 2) * kHistory * map(0);
  const std::uint64_t kept = decodes == 1 ? 0 : decodes == 2 ? caches : 2 * caches;
  return std::max(convolution, doubling) + kept + frames * pixels * 3 * kFloat;
}

}  // namespace

std::uint64_t least_memory(const models::ModelConfig& config, const TextToVideo& request) {
  return std::max(least_of_step(config, request), least_of_decode(config, request));
}

}  // namespace starling::generate
