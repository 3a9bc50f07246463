#pragma once

#include "base/result.h"
#include "generate/text_to_video.h"

namespace starling::generate {

// Whether a model that computes in integers sums exactly over the tokens of the video's largest window; if not, an
// error that names the nearest that works. Other models have no such bound. Apart from check_request(), since windows
// are chosen when the rest is known to work. Precondition: check_request() found nothing.
base::Status check_tokens(const models::ModelConfig& config, const TextToVideo& request);

}  // namespace starling::generate
