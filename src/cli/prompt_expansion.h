#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace starling::cli {

// A prompt as the captions tell it that a model was trained on, which it shows on stderr with what it left out. The
// model's training.receipt.json says which captions those were. `moves`: the clip is long enough for something to
// happen.
base::Result<std::string> expand_prompt(const std::filesystem::path& model, const std::string& prompt, bool moves);

}  // namespace starling::cli
