#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "exact/engine.h"
#include "models/checkpoint.h"

namespace starling::generate {

enum class RandomModelSize : std::uint8_t {
  kBundled,  // as the model that comes with Starling
  kTiny,     // for tests: the same architecture, some thousand parameters
};

// An untrained model: every weight from its initialiser, which depends on the seed and the weight's name, and a
// tokenizer made from the sentences. Its videos show nothing; it serves to test and to measure.
base::Result<models::NewCheckpoint> random_model(RandomModelSize size, std::span<const std::string> sentences,
                                                 std::uint64_t seed, exact::Engine& engine);

}  // namespace starling::generate
