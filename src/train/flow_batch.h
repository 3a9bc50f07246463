#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "models/tokenizer.h"
#include "train/state.h"

namespace starling::train {

// Row `row` of a tensor of rows.
template <typename Element>
std::span<Element> row_of(std::span<Element> elements, std::int64_t rows, std::int64_t row) {
  const std::size_t size = elements.size() / static_cast<std::size_t>(rows);
  return elements.subspan(static_cast<std::size_t>(row) * size, size);
}

struct TextTools {
  std::optional<models::Tokenizer> tokenizer;  // set once it is loaded
  models::KnownWords known_words;
};

// The inputs of one batch of a flow objective while they are filled in.
class BatchParts {
 public:
  BatchParts(std::int64_t batch, const exact::Shape& latent, std::int64_t texts, std::int64_t text_length);
  std::span<float> latents(std::int64_t sample);
  std::span<float> noisy(std::int64_t sample);
  base::Status set_text(std::int64_t row, const models::Tokenizer& tokenizer, const std::string& text);
  NamedTensors take(exact::Tensor seed);

 private:
  exact::Tensor latents_;
  exact::Tensor noisy_;
  exact::Tensor tokens_;
  exact::Tensor mask_;
};

}  // namespace starling::train
