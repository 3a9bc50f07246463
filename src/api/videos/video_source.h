#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "api/videos/video_request.h"

namespace starling::api::videos {

// How a video goes on from another one, or from a picture.
enum class Way : std::uint8_t {
  kText,    // it does not, unless there is an input_reference: then the picture, or the first frame, is its first
  kExtend,  // the clip, then as much more as is asked for
  kEdit,    // the clip made anew
};

// A clip that is a video of this server, completed. null: the body brings a file.
struct SourceVideo {
  jobs::VideoPointer video;
  std::filesystem::path file;  // of that video
};

// The video that a body asks for, of which `source` is what it goes on from; the requests of kText bring theirs as
// input_reference, others as "video"; those of kExtend may name as "to" what the new frames lead up to. owner,
// idempotency and body are not filled in. random: for the seed of those who name none.
struct Source {
  Way way = Way::kText;
  SourceVideo start;
  SourceVideo end;
  std::string owner;  // who asks
};
Asked<jobs::NewVideo> read_video_request(const Parameters& parameters, const VideoRules& rules, std::uint64_t random,
                                         const Source& source = {});

}  // namespace starling::api::videos
