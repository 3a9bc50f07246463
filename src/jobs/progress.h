#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "generate/video_job.h"

namespace starling::jobs {

// How far a video is.
struct Progress {
  int percent = 0;          // of its work
  std::uint32_t step = 0;   // the last one that is done, of all windows together, from 1
  std::uint32_t steps = 0;  // 0: nobody says
  bool operator==(const Progress&) const = default;
};

// How far it is after each of its calls. Not whole before its files are written.
class ProgressScale {
 public:
  explicit ProgressScale(const generate::VideoJob& job);
  Progress after(std::size_t calls) const;

 private:
  std::vector<Progress> marks_;  // by calls that are done
};

}  // namespace starling::jobs
