#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "jobs/maker.h"
#include "jobs/video_files.h"

namespace starling::api::videos {

// Writes what a video has, without making it. "hold": waits until nobody wants it.
class QuickMaker final : public jobs::Maker {
 public:
  base::Result<jobs::Outcome> make(const jobs::Making& making) override {
    if (making.video->request.prompt == "fail") return base::limit_error("it is too much");
    if (making.video->request.prompt == "disk")
      return base::io_error("cannot write /home/x/videos/1: the disk is full");
    if (making.video->request.prompt == "dear") STARLING_TRY(making.reserve(100));
    while (making.video->request.prompt == "hold") {
      if (making.stopped()) return base::cancelled("stopped");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const jobs::VideoPaths paths(making.folder);
    std::filesystem::create_directories(making.folder);
    for (const std::filesystem::path& path :
         {paths.video, paths.receipt, paths.trace, paths.thumbnail, paths.spritesheet}) {
      std::ofstream(path) << "0123456789" << path.filename().string();
    }
    making.progress({.percent = 50, .step = 1, .steps = 2});
    return jobs::Outcome{};
  }
  base::Result<std::uint64_t> abandon(const jobs::Video& /*video*/) override { return std::uint64_t{0}; }
};

}  // namespace starling::api::videos
