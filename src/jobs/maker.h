#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"
#include "generate/text_to_video.h"
#include "jobs/video.h"

namespace starling::jobs {

// One video on its way.
struct Making {
  VideoPointer video;
  bool begun_before = false;      // by a process that ended on the way
  std::filesystem::path folder;   // where its files go; what an earlier process left there is used
  std::function<bool()> stopped;  // asked often; true ends it with kCancelled
  std::function<void(const Progress& progress)> progress;
  std::function<void(WaitsFor what)> waits;
  std::function<bool()> watched;  // whether anybody looks at previews
  std::function<void(const Preview& preview)> show;
  std::function<base::Status(std::uint64_t motes)> reserve;  // before anything is paid
  std::function<base::Status(std::uint64_t task)> submitted;
};

// How videos are made. One object for each thread that makes them.
class Maker {
 public:
  Maker() = default;
  virtual ~Maker() = default;
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;

  virtual base::Result<Outcome> make(const Making& making) = 0;
  // Ends what was begun elsewhere for a video that nobody wants any more: the motes it cost all the same.
  virtual base::Result<std::uint64_t> abandon(const Video& video) = 0;
};

}  // namespace starling::jobs
