#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exact/tensor.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace starling::models {

// T5's reserved tokens.
inline constexpr std::int32_t kPadToken = 0;
inline constexpr std::int32_t kEndToken = 1;
inline constexpr std::int32_t kUnknownToken = 2;

// A text as tokens.
struct Tokens {
  std::vector<std::int32_t> ids;     // ends with kEndToken; not padded
  std::vector<std::string> unknown;  // pieces of the text that have no token, as written
  bool truncated = false;            // the text was longer

  // Padded to `length`, which is at least ids.size(): i32[1, length], and f32[1, length] with 1 for tokens.
  exact::Tensor padded_ids(std::int64_t length) const;
  exact::Tensor mask(std::int64_t length) const;
};

// A SentencePiece model (spiece.model) used as T5 and UMT5 do. Immutable; copies share the model.
class Tokenizer {
 public:
  // An error if the bytes are no SentencePiece model, or one whose reserved tokens are not T5's.
  static base::Result<Tokenizer> load(base::Bytes model);

  std::int64_t vocab_size() const;
  // The tokens of a cleaned text, at most max_length (≥ 1) with the end token.
  base::Result<Tokens> encode(std::string_view text, std::int64_t max_length) const;
  const base::Bytes& model() const { return *model_; }

 private:
  Tokenizer() = default;
  std::shared_ptr<const base::Bytes> model_;
  std::shared_ptr<const sentencepiece::SentencePieceProcessor> processor_;
};

// Trains a unigram model of at most vocab_size pieces (fewer when the sentences do not give as many) with T5's reserved
// tokens, upper case folded. Every character of the sentences gets a piece. The same sentences give the same bytes with
// one version of the library.
base::Result<base::Bytes> train_tokenizer(std::span<const std::string> sentences, std::int64_t vocab_size);

// The words that a model has seen in training: runs of letters and digits in lower case, and single characters of
// scripts that do not put spaces between words. Kept beside a tokenizer as known_words.txt, one word a line, sorted.
class KnownWords {
 public:
  void add(std::string_view text);
  static base::Result<KnownWords> parse(std::string_view file);
  std::string to_text() const;
  bool empty() const { return words_.empty(); }
  // The words of text that are not known, in order, each once.
  std::vector<std::string> missing(std::string_view text) const;

 private:
  std::set<std::string, std::less<>> words_;
};

}  // namespace starling::models
