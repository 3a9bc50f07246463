// What follows from a request without building its program, and what its calls are.
#include <algorithm>
#include <cmath>
#include <string>

#include "generate/text_to_video.h"

namespace starling::generate {

std::int64_t latent_frames_per_decode(const models::VaeConfig& vae, const TextToVideo& request) {
  return std::max<std::int64_t>(1, kDecodedPixels / (request.width * request.height * vae.temporal_stride()));
}

Timeline timeline_of(const models::ModelConfig& config, const TextToVideo& request) {
  Timeline timeline;
  timeline.frames = config.vae.latent_frames(request.loop ? request.frames + 1 : request.frames);
  timeline.start = request.start == 0 ? 0 : config.vae.latent_frames(request.start);
  timeline.end = request.end / config.vae.temporal_stride();
  timeline.anew = request.strength.has_value();
  timeline.loop = request.loop;
  timeline.window = request.window;
  timeline.context = request.context;
  return timeline;
}

std::int64_t largest_window(const models::ModelConfig& config, const TextToVideo& request) {
  std::int64_t most = 1;
  for (const Window& window : plan_windows(timeline_of(config, request))) most = std::max(most, window.frames);
  return most;
}

namespace {

// Of a picture with so many channels where it is finest.
std::vector<models::VaeTile> tiles_of(const models::VaeConfig& vae, const TextToVideo& request, std::int64_t channels,
                                      const Tiling& tiling) {
  const std::int64_t rows = request.height / vae.spatial_stride();
  const std::int64_t columns = request.width / vae.spatial_stride();
  const std::int64_t side = vae.spatial_stride() / vae.patch_size;
  const std::int64_t numbers = side * side * channels;  // of a latent
  if (rows * columns <= std::max(tiling.whole_latents, tiling.whole / numbers)) return {{0, rows, 0, columns}};
  return models::vae_tiles(vae, rows, columns, std::max(tiling.tile_latents, tiling.tile / numbers));
}

}  // namespace

std::vector<models::VaeTile> decode_tiles(const models::VaeConfig& vae, const TextToVideo& request,
                                          const Tiling& tiling) {
  return tiles_of(vae, request, vae.decoder_base_dim * vae.dim_mult[0], tiling);
}

std::vector<models::VaeTile> encode_tiles(const models::VaeConfig& vae, const TextToVideo& request,
                                          const Tiling& tiling) {
  return tiles_of(vae, request, vae.base_dim * vae.dim_mult[0], tiling);
}

std::vector<Step> steps_of(const models::ModelConfig& config, const TextToVideo& request) {
  std::vector<Step> all = flow_match_euler(request.steps, config.scheduler.num_train_timesteps, request.shift);
  if (!request.strength) return all;
  const double share = static_cast<double>(*request.strength) * static_cast<double>(request.steps);
  const auto run = static_cast<std::ptrdiff_t>(std::floor(share + 0.5));
  all.erase(all.begin(), all.end() - std::min(run, std::ssize(all)));
  return all;
}

std::vector<std::int64_t> decode_parts(const models::ModelConfig& config, const TextToVideo& request) {
  const Timeline timeline = timeline_of(config, request);
  const std::int64_t each = latent_frames_per_decode(config.vae, request);
  std::vector<std::int64_t> parts;
  for (const Piece& piece : plan_pieces(timeline, plan_windows(timeline))) {
    for (std::int64_t left = piece.frames; left > 0; left -= each) parts.push_back(std::min(each, left));
  }
  return parts;
}

const char* kind_name(CallKind kind) {
  switch (kind) {
    case CallKind::kText:
      return "text";
    case CallKind::kEncode:
      return "encode";
    case CallKind::kGiven:
      return "given";
    case CallKind::kNoise:
      return "noise";
    case CallKind::kContexts:
      return "contexts";
    case CallKind::kStep:
      return "step";
    case CallKind::kSplit:
      return "split";
    case CallKind::kTile:
      return "tile";
    case CallKind::kDecode:
      break;
  }
  return "decode";
}

std::string CallLayout::describe(std::uint32_t call) const {
  const CallRole& role = roles[call];
  const auto of = [&](const char* what, std::uint32_t index, std::uint32_t count) {
    return what + std::to_string(index + 1) + " of " + std::to_string(count);
  };
  const std::string window = windows > 1 ? of(", window ", role.window, windows) : "";
  switch (role.kind) {
    case CallKind::kText:
      return "encode the prompt";
    case CallKind::kEncode:
      return of("encode the given frames, part ", role.index, encodes);
    case CallKind::kGiven:
      return "put the given frames together";
    case CallKind::kNoise:
      return "make the noise" + window;
    case CallKind::kContexts:
      return "prepare the prompt for the transformer";
    case CallKind::kStep:
      return of("step ", role.index, steps) + window;
    case CallKind::kSplit:
      return "split the latent";
    case CallKind::kTile:
      return of("decode tiles, part ", role.index, tile_parts);
    case CallKind::kDecode:
      break;
  }
  return of("decode part ", role.index, decodes);
}

bool is_kept(const CallLayout& calls, std::uint32_t call) {
  const CallKind kind = calls.roles[call].kind;
  return kind == CallKind::kText || kind == CallKind::kGiven || kind == CallKind::kNoise || kind == CallKind::kStep;
}

}  // namespace starling::generate
