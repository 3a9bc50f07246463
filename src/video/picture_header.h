#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "video/input.h"

namespace starling::video {

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};
// What a PNG, an APNG or a JPEG says its size is; nothing of other files, and where it does not say.
std::optional<PictureSize> declared_size(Input& input);

// The parts of a PNG or an APNG that its pixels follow from. Texts and profiles, which are compressed and may be
// thousands of times as large as the file, are none of them, nor is what lies behind its end. Nothing if the file is no
// PNG. A chunk that does not end within the file ends the parts, as it is.
std::optional<std::vector<FilePart>> pixel_parts(Input& input);

}  // namespace starling::video
