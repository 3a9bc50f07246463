#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "exact/engine.h"
#include "models/checkpoint.h"

namespace starling::generate {

enum class RandomModelSize : std::uint8_t {
  kBundled,               // as the model that comes with Starling
  kTiny,                  // for tests: the same architecture, some thousand parameters
  kWan21T2v1x3B,          // as Wan 2.1 T2V 1.3B, but for a text encoder of one small layer, of the same width
  kWan21T2v1x3BWithText,  // with UMT5-XXL, which is four fifths of it
};

// An untrained model: every weight from its initialiser, which depends on the seed and the weight's name, and a
// tokenizer made from the sentences. Its videos show nothing; it serves to test and to measure. Weights are made as
// they are written, some MiB at a time, by as many threads as the engine has.
base::Result<models::NewCheckpoint> random_model(RandomModelSize size, std::span<const std::string> sentences,
                                                 std::uint64_t seed, const exact::Engine& engine);

}  // namespace starling::generate
