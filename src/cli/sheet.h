#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "generate/text_to_video.h"
#include "video/frames.h"

namespace starling::cli {

// A picture for looking at: some frames of each video, evenly spaced from its first to its last, under its prompt.
class Sheet {
 public:
  // file: a .png; none: nothing is drawn. Errors: another ending, a folder that is not there.
  static base::Result<Sheet> open(const std::string& file);

  void begin(const generate::TextToVideo& request);  // a video
  // Its frames in order, each once.
  void add(std::size_t index, const video::FrameView& frame);
  base::Status write() const;

 private:
  struct Row {
    std::string caption;
    std::size_t all = 0;
    video::Frames frames;
  };
  std::filesystem::path file_;
  std::vector<Row> rows_;
};

}  // namespace starling::cli
