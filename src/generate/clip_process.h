#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "generate/text_to_video.h"
#include "video/frames.h"

namespace starling::generate {

// What reading a file may take: a small one can ask for any amount of either.
struct ClipLimits {
  std::uint64_t memory = std::uint64_t{1536} << 20;  // bytes
  std::chrono::seconds time{20};                     // of the processor
  std::chrono::seconds patience{45};                 // by the clock
};

// fit_clip() of what somebody sent, in a process of its own that takes no more than the limits. The program that runs
// is started once more; it must hand the arguments behind kClipCommand on to run_clip_process() then. kLimit: the
// limits did not do; kIo: there is no such process.
inline constexpr const char* kClipCommand = "read-clip";
base::Result<video::Frames> fit_clip_apart(base::ByteView file, const TextToVideo& request, std::int64_t most,
                                           const ClipLimits& limits = {});
// The same of a file that the person names: an interrupt ends it with kCancelled.
base::Result<video::Frames> fit_clip_apart(const std::filesystem::path& file, const TextToVideo& request,
                                           std::int64_t most, const ClipLimits& limits);
// Of a file of this machine: a clip takes longer than a picture, for which the usual ones do.
ClipLimits limits_of_clip(const std::filesystem::path& file);

// The other side: the exit code.
int run_clip_process(std::span<const std::string> arguments);

}  // namespace starling::generate
