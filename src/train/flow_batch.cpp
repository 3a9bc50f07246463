#include "train/flow_batch.h"

#include <algorithm>

namespace starling::train {

using exact::Tensor;
using exact::Type;

BatchParts::BatchParts(std::int64_t batch, const exact::Shape& latent, std::int64_t texts, std::int64_t text_length)
    : latents_(Type::kF32, {batch, latent[0], latent[1], latent[2], latent[3]}),
      noisy_(Type::kF32, {batch, latent[0]}),
      tokens_(Type::kI32, {texts, text_length}),
      mask_(Type::kF32, {texts, text_length}) {}

std::span<float> BatchParts::latents(std::int64_t sample) {
  return row_of(latents_.f32(), latents_.shape()[0], sample);
}

std::span<float> BatchParts::noisy(std::int64_t sample) { return row_of(noisy_.f32(), noisy_.shape()[0], sample); }

base::Status BatchParts::set_text(std::int64_t row, const models::Tokenizer& tokenizer, const std::string& text) {
  const std::int64_t length = tokens_.shape()[1];
  STARLING_ASSIGN(const models::Tokens encoded, tokenizer.encode(text, length));
  std::ranges::copy(encoded.padded_ids(length).i32(), row_of(tokens_.i32(), tokens_.shape()[0], row).begin());
  std::ranges::copy(encoded.mask(length).f32(), row_of(mask_.f32(), mask_.shape()[0], row).begin());
  return {};
}

NamedTensors BatchParts::take(Tensor seed) {
  NamedTensors inputs;
  inputs.emplace("latents", std::move(latents_));
  inputs.emplace("noisy", std::move(noisy_));
  inputs.emplace("tokens", std::move(tokens_));
  inputs.emplace("mask", std::move(mask_));
  inputs.emplace("seed", std::move(seed));
  return inputs;
}

}  // namespace starling::train
