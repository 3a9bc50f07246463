#include "generate/random_model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "models/bundled.h"
#include "models/parameters.h"
#include "models/published.h"

namespace starling::generate {
namespace {

constexpr std::int64_t kPart = std::int64_t{1} << 22U;  // elements that are made at once
constexpr std::size_t kGrain = std::size_t{1} << 16U;

models::ModelConfig bundled_config(std::int64_t vocabulary) {
  models::ModelConfig config;
  config.pipeline = models::bundled_pipeline_config();
  config.scheduler = models::bundled_scheduler_config();
  config.text_encoder = models::bundled_umt5_config(vocabulary);
  config.transformer = models::bundled_transformer_config();
  config.vae = models::bundled_vae_config();
  config.text_length = models::kBundledTextLength;
  return config;
}

models::ModelConfig model_config(RandomModelSize size, std::int64_t vocabulary) {
  if (size == RandomModelSize::kWan21T2v1x3BWithText) return models::wan_2_1_t2v_1_3b_config();
  if (size == RandomModelSize::kWan21T2v1x3B) {
    models::ModelConfig config = models::wan_2_1_t2v_1_3b_config();
    config.text_encoder.vocab_size = vocabulary;
    config.text_encoder.num_heads = 4;
    config.text_encoder.d_ff = 256;
    config.text_encoder.num_layers = 1;
    return config;
  }
  models::ModelConfig config = bundled_config(vocabulary);
  if (size == RandomModelSize::kTiny) {
    config.text_encoder.d_model = 16;
    config.text_encoder.d_kv = 8;
    config.text_encoder.num_heads = 2;
    config.text_encoder.d_ff = 32;
    config.text_encoder.num_layers = 1;
    config.transformer.num_attention_heads = 2;
    config.transformer.attention_head_dim = 12;
    config.transformer.text_dim = 16;
    config.transformer.freq_dim = 16;
    config.transformer.ffn_dim = 32;
    config.transformer.num_layers = 2;
    config.vae.base_dim = 4;
    config.vae.decoder_base_dim = 4;
  }
  return config;
}

// What makes the random numbers: the backend that engines use, of those on the CPU.
base::Result<const exact::Kernels*> kernels() {
  const char* forced = std::getenv("STARLING_BACKEND");
  const std::string_view name = forced == nullptr ? "" : forced;
  if (name == "reference") return exact::available_kernels().back();
  return exact::choose_kernels(name.starts_with("cuda") ? "" : name);
}

// The values of models::initialization_graph(), part by part.
class Drawing {
 public:
  Drawing(const exact::Kernels& kernels, std::uint64_t seed, int threads)
      : kernels_(kernels), seed_(seed), pool_(threads) {}

  base::Status draw(const models::Parameter& parameter, const models::NewWeight::Sink& to) {
    const std::int64_t elements = parameter.shape.elements();
    for (std::int64_t first = 0; first < elements; first += kPart) {
      const std::int64_t count = std::min(kPart, elements - first);
      STARLING_ASSIGN(exact::Tensor part, exact::Tensor::uninitialized(exact::Type::kF32, {count}));
      float* values = part.f32().data();
      pool_.run(static_cast<std::size_t>(count), kGrain, [&](std::size_t begin, std::size_t end, int) {
        fill(parameter, static_cast<std::uint64_t>(first) + begin, {values + begin, end - begin});
      });
      STARLING_TRY(to(part));
    }
    return {};
  }

 private:
  void fill(const models::Parameter& parameter, std::uint64_t first, std::span<float> values) const {
    const models::Initializer& initial = parameter.initial;
    const auto elements = static_cast<std::uint64_t>(parameter.shape.elements());
    const std::uint64_t run = elements / initial.means.size();  // elements of one mean
    const bool is_random = initial.deviation != 0.0F;
    if (is_random) {
      kernels_.normal(values.data(), seed_, models::random_stream(parameter.name), first, values.size());
    }
    for (std::size_t done = 0; done < values.size();) {
      const std::uint64_t at = first + done;
      const std::size_t count = std::min<std::uint64_t>(values.size() - done, run - at % run);
      const float* mean = &initial.means[at / run];
      float* out = values.data() + done;
      if (is_random) {
        const auto pitch = static_cast<std::ptrdiff_t>(count);
        kernels_.fma(out, pitch, {out, pitch, 1}, {&initial.deviation, 0, 0}, {mean, 0, 0}, 1, count);
      } else {
        std::fill_n(out, count, *mean);
      }
      done += count;
    }
  }

  const exact::Kernels& kernels_;
  std::uint64_t seed_;
  base::ThreadPool pool_;
};

}  // namespace

base::Result<models::NewCheckpoint> random_model(RandomModelSize size, std::span<const std::string> sentences,
                                                 std::uint64_t seed, const exact::Engine& engine) {
  models::NewCheckpoint model;
  STARLING_ASSIGN(model.tokenizer, models::train_tokenizer(sentences, models::kBundledVocabulary));
  STARLING_ASSIGN(const models::Tokenizer tokenizer, models::Tokenizer::load(model.tokenizer));
  for (const std::string& sentence : sentences) model.known_words.add(sentence);
  model.config = model_config(size, tokenizer.vocab_size());
  STARLING_ASSIGN(const std::vector<models::Parameter> parameters, models::model_parameters(model.config));
  STARLING_ASSIGN(const exact::Kernels* chosen, kernels());
  const auto drawing = std::make_shared<Drawing>(*chosen, seed, engine.threads());
  // Layers that start at zero, such as the transformer's last, would hide everything before them.
  constexpr float kSpread = 0.05F;
  for (models::Parameter parameter : parameters) {
    if (parameter.initial.deviation == 0.0F) parameter.initial.deviation = kSpread;
    model.weights.emplace(parameter.name, models::NewWeight(exact::Type::kF32, parameter.shape,
                                                            [drawing, parameter](const models::NewWeight::Sink& to) {
                                                              return drawing->draw(parameter, to);
                                                            }));
  }
  return model;
}

}  // namespace starling::generate
