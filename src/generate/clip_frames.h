#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "generate/text_to_video.h"

namespace starling::generate {

// fit_clip() of given.h, one frame after the other.
base::Status fit_clip_into(base::ByteView file, const TextToVideo& request, std::int64_t most,
                           const std::function<base::Status(base::ByteView frame)>& take);

}  // namespace starling::generate
