#include "train/flow_samples.h"

#include <algorithm>

#include "exact/program.h"
#include "generate/text_to_video.h"
#include "train/flow_batch.h"
#include "video/frames.h"
#include "video/picture.h"

namespace starling::train {
namespace {

using exact::Tensor;
using exact::Type;

constexpr std::uint64_t kSamples = 6;

// A wording that the sheet's font can show, if there is one among the first.
std::string plain_caption(const Dataset& dataset, std::uint64_t index) {
  constexpr std::uint64_t kWordings = 8;
  for (std::uint64_t epoch = 0; epoch < kWordings; ++epoch) {
    std::string caption = dataset.caption(index, epoch);
    if (std::ranges::all_of(caption, [](char c) { return c >= ' ' && c <= '~'; })) return caption;
  }
  return dataset.caption(index, 0);
}

// Tokens and mask of a prompt and, with guidance, of the empty one below it.
base::Result<std::vector<Tensor>> prompt_inputs(const models::Tokenizer& tokenizer, const std::string& prompt,
                                                bool guided, std::int64_t length) {
  const std::int64_t rows = guided ? 2 : 1;
  Tensor tokens(Type::kI32, {rows, length});
  Tensor mask(Type::kF32, {rows, length});
  for (std::int64_t row = 0; row < rows; ++row) {
    STARLING_ASSIGN(const models::Tokens encoded, tokenizer.encode(row == 0 ? prompt : std::string(), length));
    std::ranges::copy(encoded.padded_ids(length).i32(), row_of(tokens.i32(), rows, row).begin());
    std::ranges::copy(encoded.mask(length).f32(), row_of(mask.f32(), rows, row).begin());
  }
  return std::vector<Tensor>{tokens, mask};
}

}  // namespace

base::Status draw_samples(exact::Engine& engine, const models::ModelConfig& config, const models::Tokenizer& tokenizer,
                          const std::map<std::string, Tensor>& weights, const Dataset& held_out, const ClipShape& shape,
                          const SampleSettings& settings, const std::filesystem::path& file) {
  generate::TextToVideo request;
  request.width = shape.width;
  request.height = shape.height;
  request.frames = shape.frames;
  request.steps = settings.steps;
  request.guidance = settings.guidance;
  request.shift = config.scheduler.shift;
  STARLING_ASSIGN(generate::TextToVideoProgram program, generate::text_to_video_program(config, request));
  STARLING_ASSIGN(const exact::PreparedProgram prepared, exact::PreparedProgram::make(std::move(program.program)));
  std::vector<Tensor> bound;
  for (const exact::GraphInput& weight : prepared.program().weights()) {
    const auto found = weights.find(weight.name);
    if (found == weights.end()) return base::internal_error("sampling needs the weight '" + weight.name + "'");
    bound.push_back(found->second);
  }
  std::vector<video::Frames> videos;
  std::vector<std::string> captions;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    captions.push_back(plain_caption(held_out, i));
    STARLING_ASSIGN(const std::vector<Tensor> text,
                    prompt_inputs(tokenizer, captions.back(), settings.guidance != 1.0F, config.text_length));
    const std::int32_t seed_words[] = {static_cast<std::int32_t>(i), 0};
    std::vector<Tensor> inputs;
    for (const exact::GraphInput& input : prepared.program().inputs()) {
      inputs.push_back(input.name == "tokens" ? text[0]
                       : input.name == "mask" ? text[1]
                                              : Tensor::from_i32({2}, seed_words));
    }
    STARLING_ASSIGN(const std::vector<Tensor> parts, prepared.run(engine, inputs, bound));
    std::vector<float> values;
    for (const Tensor& part : parts) values.insert(values.end(), part.f32().begin(), part.f32().end());
    STARLING_ASSIGN(video::Frames frames, video::frames_from_values(values, shape.width, shape.height, shape.frames,
                                                                    {static_cast<int>(shape.fps), 1}));
    videos.push_back(std::move(frames));
  }
  std::vector<video::SheetRow> rows;
  for (std::size_t i = 0; i < videos.size(); ++i) rows.push_back({captions[i], &videos[i]});
  STARLING_ASSIGN(const video::Picture sheet, video::contact_sheet(rows, {.columns = 9, .scale = 1}));
  return video::write_png(file, sheet);
}

}  // namespace starling::train
