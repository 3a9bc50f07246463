#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace starling::models {

// A prompt as Wan's pipelines hand it to the tokenizer: HTML entities resolved (twice, as &amp;lt; is <), runs of white
// space of any script made one space, none at the ends. An error if it is not UTF-8 or longer than 64 KiB.
base::Result<std::string> clean_prompt(std::string_view prompt);

}  // namespace starling::models
