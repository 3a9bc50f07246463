#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "train/evaluation/evaluation.h"

namespace starling::train::evaluation {

// A clip to look at: its caption and its videos, an MP4 file by column.
struct ShownClip {
  std::size_t number = 0;  // of the report's clips
  std::string caption;
  struct Video {
    std::string column;
    base::Bytes mp4;
  };
  std::vector<Video> videos;
};

// One page with the table and the videos beside their captions, and under each what it was judged wrong in. All of it
// is in the text: it asks for nothing from anywhere, and captions are escaped.
std::string report_html(const Report& report, const std::vector<ShownClip>& clips);

}  // namespace starling::train::evaluation
