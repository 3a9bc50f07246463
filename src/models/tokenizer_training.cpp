#include <sentencepiece_trainer.h>

#include <exception>
#include <unordered_map>

#include "models/tokenizer.h"

namespace starling::models {
namespace {

// Hands sentences in memory to the trainer.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(std::span<const std::string> sentences) : sentences_(sentences) {}
  bool done() const override { return at_ == sentences_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return sentences_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::span<const std::string> sentences_;
  std::size_t at_ = 0;
};

}  // namespace

base::Result<base::Bytes> train_tokenizer(std::span<const std::string> sentences, std::int64_t vocab_size) {
  if (sentences.empty()) return base::invalid("a tokenizer cannot be trained without sentences.");
  try {
    Sentences iterator(sentences);
    std::string model;
    const auto status = sentencepiece::SentencePieceTrainer::Train(
        std::unordered_map<std::string, std::string>{{"model_type", "unigram"},
                                                     {"vocab_size", std::to_string(vocab_size)},
                                                     {"hard_vocab_limit", "false"},
                                                     {"character_coverage", "1.0"},
                                                     {"normalization_rule_name", "nmt_nfkc_cf"},
                                                     {"byte_fallback", "false"},
                                                     {"shuffle_input_sentence", "false"},
                                                     {"num_threads", "1"},
                                                     {"pad_id", std::to_string(kPadToken)},
                                                     {"eos_id", std::to_string(kEndToken)},
                                                     {"unk_id", std::to_string(kUnknownToken)},
                                                     {"bos_id", "-1"},
                                                     {"minloglevel", "2"}},
        &iterator, &model);
    if (!status.ok()) return base::invalid("the tokenizer could not be trained: " + status.ToString() + ".");
    return base::Bytes(model.begin(), model.end());
  } catch (const std::exception& error) {
    return base::invalid(std::string("the tokenizer could not be trained: ") + error.what() + ".");
  }
}

}  // namespace starling::models
