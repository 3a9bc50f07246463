#include "train/flow_data.h"

#include <algorithm>
#include <limits>
#include <string>

#include "train/flow_batch.h"

namespace starling::train {
namespace {

// Known frames come first (a video is continued), last (led up to), or at both ends (joined).
void choose_clean_frames(const Recipe& recipe, Draws& draws, std::span<float> noisy) {
  std::ranges::fill(noisy, 1.0F);
  const bool some = draws.chance(static_cast<std::uint32_t>(recipe.clean_frames_permille));
  const std::uint32_t wanted = 1 + draws.below(3);
  const std::uint32_t where = draws.below(10);
  const auto count = std::min<std::size_t>(wanted, noisy.size() - 1);
  if (!some || count == 0) return;
  if (where < 6) {
    std::ranges::fill(noisy.first(count), 0.0F);
  } else if (where < 8) {
    std::ranges::fill(noisy.last(count), 0.0F);
  } else {
    noisy.front() = 0.0F;
    if (noisy.size() > 2) noisy.back() = 0.0F;
  }
}

bool is_same(const ClipShape& a, const ClipShape& b) {
  return a.width == b.width && a.height == b.height && a.frames == b.frames;
}

}  // namespace

base::Result<std::unique_ptr<FlowData>> FlowData::open(const Recipe& recipe, const std::filesystem::path& folder,
                                                       const TrainedVae& vae,
                                                       std::vector<std::shared_ptr<const Dataset>> datasets) {
  STARLING_ASSIGN(const std::vector<BatchShape> shapes, batch_shapes(recipe));
  if (datasets.size() != shapes.size()) return base::internal_error("a shape of the recipe has no clips");
  std::unique_ptr<FlowData> data(new FlowData(recipe));
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    STARLING_TRY(data->add(shapes[i], std::move(datasets[i]), vae, folder));
  }
  for (const auto& source : data->sources_) {
    for (const auto& other : data->sources_) {
      const bool longer = other->shape.width == source->shape.width && other->shape.height == source->shape.height &&
                          other->shape.frames > source->shape.frames;
      if (longer && source->latents->shape()[0] > 1) source->longer.push_back(other.get());
    }
  }
  return data;
}

base::Status FlowData::add(const BatchShape& shape, std::shared_ptr<const Dataset> dataset, const TrainedVae& vae,
                           const std::filesystem::path& folder) {
  auto found = std::ranges::find_if(sources_, [&](const auto& source) { return is_same(source->shape, shape.clip); });
  if (found == sources_.end()) {
    const std::string name = sources_.empty() ? "latents.bin"
                                              : "latents-" + std::to_string(shape.clip.width) + "x" +
                                                    std::to_string(shape.clip.height) + "x" +
                                                    std::to_string(shape.clip.frames) + ".bin";
    auto source = std::make_unique<Source>();
    source->shape = shape.clip;
    STARLING_ASSIGN(source->latents, LatentSource::open(folder / name, vae, dataset, shape.clip));
    source->dataset = std::move(dataset);
    sources_.push_back(std::move(source));
    found = sources_.end() - 1;
  }
  Source& source = **found;
  source.clips_of_round += shape.batch;
  clips_of_round_ += shape.batch;
  source_of_.push_back(&source);
  const exact::Shape& clip = source.latents->shape();
  shapes_.push_back({shape.batch, clip[0], clip[1], clip[2], clip[3]});
  return {};
}

std::uint64_t FlowData::clips_at(const Source& source, std::uint64_t index) const {
  const auto share = [&](std::uint64_t clips) {  // so that each clip of any shape is seen as often
    const auto own = static_cast<std::uint64_t>(source.clips_of_round);
    const auto all = static_cast<std::uint64_t>(clips_of_round_);
    return (clips * own + all - 1) / all;
  };
  const std::uint64_t step = index / static_cast<std::uint64_t>(recipe_.gradients);
  // To begin with, each item of the data set once is enough.
  const std::uint64_t items = source.dataset->items().value_or(std::numeric_limits<std::uint64_t>::max());
  const auto grown = std::min(share(static_cast<std::uint64_t>(recipe_.first_latent_clips)), items) +
                     share(step * static_cast<std::uint64_t>(recipe_.latent_clips_per_step));
  return std::min(grown, share(static_cast<std::uint64_t>(recipe_.latent_clips)));
}

base::Status FlowData::prepare(exact::Engine& engine, std::uint64_t index, const Stop& stop) {
  for (const auto& source : sources_) {
    STARLING_TRY(source->latents->grow(engine, clips_at(*source, index), [&](std::uint64_t) { return stop(); }));
  }
  return {};
}

base::Result<std::uint64_t> FlowData::draw_whole(const Source& source, std::uint64_t index, Draws& draws,
                                                 std::span<float> latents, std::span<float> noisy) const {
  const std::uint64_t clip = draws.below(static_cast<std::uint32_t>(clips_at(source, index)));
  STARLING_TRY(source.latents->read(clip, latents));
  choose_clean_frames(recipe_, draws, noisy);
  return clip;
}

base::Result<std::uint64_t> FlowData::draw_window(const Source& longer, std::uint64_t index, Draws& draws,
                                                  std::span<float> latents, std::span<float> noisy) const {
  const std::uint64_t clip = draws.below(static_cast<std::uint32_t>(clips_at(longer, index)));
  std::vector<float> all(static_cast<std::size_t>(longer.latents->shape().elements()));
  STARLING_TRY(longer.latents->read(clip, all));
  const auto frames = static_cast<std::uint32_t>(longer.latents->shape()[0]);
  const auto own = static_cast<std::uint32_t>(noisy.size());
  const std::size_t first = 1 + draws.below(frames - own);
  std::ranges::copy(std::span(all).subspan(first * (latents.size() / own), latents.size()), latents.begin());
  std::ranges::fill(noisy, 1.0F);
  std::ranges::fill(noisy.first(std::min<std::size_t>(1 + draws.below(3), own - 1)), 0.0F);
  if (draws.below(5) == 0 && own > 2) noisy.back() = 0.0F;
  return clip;
}

base::Result<Batch> FlowData::batch(std::uint64_t index, const models::Tokenizer& tokenizer) const {
  Batch batch;
  if (source_of_.size() > 1) {
    batch.graph = Draws(recipe_.seed, Purpose::kShape, index).below(static_cast<std::uint32_t>(source_of_.size()));
  }
  const Source& own = *source_of_[batch.graph];
  Draws draws(recipe_.seed, Purpose::kChoice, index);
  const std::int64_t clips = shapes_[batch.graph][0];
  const std::int64_t same = recipe_.draws_per_clip;
  BatchParts parts(clips, own.latents->shape(), clips / same, recipe_.text_length);
  for (std::int64_t i = 0; i < clips; i += same) {
    const bool window = recipe_.window_permille > 0 && !own.longer.empty() &&
                        draws.chance(static_cast<std::uint32_t>(recipe_.window_permille));
    const Source& source = window ? *own.longer[draws.below(static_cast<std::uint32_t>(own.longer.size()))] : own;
    STARLING_ASSIGN(const std::uint64_t clip, window
                                                  ? draw_window(source, index, draws, parts.latents(i), parts.noisy(i))
                                                  : draw_whole(source, index, draws, parts.latents(i), parts.noisy(i)));
    const std::uint64_t wording = draws.next();
    const bool dropped = draws.chance(static_cast<std::uint32_t>(recipe_.drop_caption_permille));
    STARLING_TRY(parts.set_text(i / same, tokenizer, dropped ? "" : source.dataset->caption(clip, wording)));
    for (std::int64_t j = i + 1; j < i + same; ++j) {
      std::ranges::copy(parts.latents(i), parts.latents(j).begin());
      if (window) {
        std::ranges::copy(parts.noisy(i), parts.noisy(j).begin());
      } else {
        choose_clean_frames(recipe_, draws, parts.noisy(j));
      }
    }
  }
  batch.inputs = parts.take(seed_tensor(recipe_.seed, Purpose::kNoise, index));
  return batch;
}

}  // namespace starling::train
