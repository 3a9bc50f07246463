#include "models/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <exception>

#include "models/charsmap_check.h"

namespace starling::models {
namespace {

constexpr std::int64_t kMaxVocabulary = 4'000'000;

std::string_view text_of(const base::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

exact::Tensor Tokens::padded_ids(std::int64_t length) const {
  std::vector<std::int32_t> padded = ids;
  padded.resize(static_cast<std::size_t>(length), kPadToken);
  return exact::Tensor::from_i32({1, length}, padded);
}

exact::Tensor Tokens::mask(std::int64_t length) const {
  std::vector<float> mask(static_cast<std::size_t>(length), 0.0F);
  std::fill_n(mask.begin(), std::min(ids.size(), mask.size()), 1.0F);
  return exact::Tensor::from_f32({1, length}, mask);
}

base::Result<Tokenizer> Tokenizer::load(base::Bytes model) {
  const base::Error broken =
      base::corrupt("the tokenizer's spiece.model is not a SentencePiece model; fetch it again.");
  if (!are_charsmaps_sound(model)) return broken;
  try {
    Tokenizer tokenizer;
    auto processor = std::make_shared<sentencepiece::SentencePieceProcessor>();
    if (!processor->LoadFromSerializedProto(text_of(model)).ok()) return broken;
    const std::int64_t size = processor->GetPieceSize();
    if (size <= kUnknownToken || size > kMaxVocabulary) return broken;
    if (processor->pad_id() != kPadToken || processor->eos_id() != kEndToken || processor->unk_id() != kUnknownToken) {
      return base::unsupported("the tokenizer's padding, end and unknown tokens must be 0, 1 and 2, as T5's are.");
    }
    tokenizer.model_ = std::make_shared<const base::Bytes>(std::move(model));
    tokenizer.processor_ = std::move(processor);
    return tokenizer;
  } catch (const std::exception&) {
    return broken;
  }
}

std::int64_t Tokenizer::vocab_size() const { return processor_->GetPieceSize(); }

base::Result<Tokens> Tokenizer::encode(std::string_view text, std::int64_t max_length) const {
  if (max_length < 1) return base::invalid("a text needs room for at least one token.");
  try {
    std::vector<std::string> pieces;
    std::vector<int> ids;
    if (!processor_->Encode(text, &pieces).ok() || !processor_->Encode(text, &ids).ok() ||
        ids.size() != pieces.size()) {
      return base::corrupt("the tokenizer cannot encode the prompt; its spiece.model may be damaged.");
    }
    Tokens tokens;
    tokens.truncated = ids.size() >= static_cast<std::size_t>(max_length);
    if (tokens.truncated) ids.resize(static_cast<std::size_t>(max_length) - 1);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i < ids.size()) tokens.ids.push_back(ids[i]);
      if (processor_->PieceToId(pieces[i]) == kUnknownToken) tokens.unknown.push_back(pieces[i]);
    }
    tokens.ids.push_back(kEndToken);
    return tokens;
  } catch (const std::exception&) {
    return base::corrupt("the tokenizer cannot encode the prompt; its spiece.model may be damaged.");
  }
}

}  // namespace starling::models
