#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "generate/text_to_video.h"

namespace starling::generate {

// What a request takes, in bytes.
struct Need {
  std::uint64_t all = 0;
  std::uint64_t weights = 0;  // of these, whatever the size
};

// For a request that takes more than `memory`: a clause that names the nearest size of its shape that fits with its
// frames, and the nearest duration that fits at its size, as far as there are such; empty if nothing was found. What it
// names was planned, by `plan`, a few times at most.
std::string nearest_that_fits(const models::ModelConfig& config, const TextToVideo& request, std::uint64_t memory,
                              const std::function<base::Result<Need>(const TextToVideo&)>& plan);

// The nearest smaller size of a request's shape at which something holds with its frames, and the nearest duration at
// which it does at its size; nothing where there is none, or where asking fails. What holds of a video holds of smaller
// and of shorter ones; it is asked a few times.
struct Nearest {
  std::optional<TextToVideo> size;
  std::optional<TextToVideo> duration;
};
Nearest nearest_where(const models::ModelConfig& config, const TextToVideo& request,
                      const std::function<base::Result<bool>(const TextToVideo&)>& holds);

}  // namespace starling::generate
