#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "generate/text_to_video.h"

namespace starling::generate {

// fit_clip() of given.h, one frame after the other.
using TakeFrame = std::function<base::Status(base::ByteView frame)>;
base::Status fit_clip_into(base::ByteView file, const TextToVideo& request, std::int64_t most, const TakeFrame& take);
base::Status fit_clip_into(const std::filesystem::path& file, const TextToVideo& request, std::int64_t most,
                           const TakeFrame& take);

}  // namespace starling::generate
