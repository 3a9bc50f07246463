#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "generate/text_to_video.h"
#include "video/frames.h"
#include "video/reader.h"

namespace starling::generate {

// The frames that a video goes on from, of its own size and rate: those of the start, then those of the end. How files
// are decoded and scaled differs between machines; so the input of the program, and what its receipt commits to, is
// these pixels, and they are kept beside the receipt (docs/trace.md).
using GivenFrames = std::shared_ptr<const video::Frames>;

inline constexpr std::size_t kMaxGivenBytes = std::size_t{1} << 30;

// The frames of a picture or a video, made to fit: resampled to the request's rate (for each moment the nearest frame),
// scaled until they cover its size and cut around their middle, transparent parts over black. most: frames that are
// read, 0 for all. Errors: those of the reader; kLimit beyond kMaxGivenBytes.
base::Result<video::Frames> fit_clip(const std::filesystem::path& file, const TextToVideo& request,
                                     std::int64_t most = 0);
base::Result<video::Frames> fit_clip(base::ByteView file, const TextToVideo& request, std::int64_t most = 0);

// What a video begins with, ends with, or is made anew of. Of clips that do not come in whole strides, frames at the
// other end are left out: of a start the first ones, of an end too (one of them leads the encoder in; it is the first
// one again if none is left out), of an edit the last ones. An end of fewer frames than a stride holds its first.
enum class Place : std::uint8_t { kStart, kEnd, kWhole };
video::Frames in_strides(const models::ModelConfig& config, video::Frames clip, Place place);

// Enters the frames in the request: start, end and given. Both are as in_strides() gives them, either may have none.
// For an edit set strength before, and give it as the start: frames is set too.
GivenFrames give(TextToVideo& request, const video::Frames& start, const video::Frames& end);

// The list root of the hashes of the frames.
base::Hash given_root(const video::Frames& frames);
// kCorrupt unless these are the frames that the request names.
base::Status check_given(const TextToVideo& request, const video::Frames& frames);

// The frames from their pixels, frame after frame, 3 bytes each: kCorrupt if they are not those that are named.
base::Result<GivenFrames> given_from_pixels(const TextToVideo& request, base::ByteView pixels);

}  // namespace starling::generate
