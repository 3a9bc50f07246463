#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "generate/text_to_video.h"
#include "generate/video_job.h"
#include "proof/receipt.h"
#include "video/picture.h"
#include "video/writer.h"

namespace starling::jobs {

// The names of a made video's files in its folder. The receipt's is the one that goes with the video's for
// `starling verify`.
struct VideoPaths {
  explicit VideoPaths(const std::filesystem::path& folder);
  std::filesystem::path video;
  std::filesystem::path receipt;
  std::filesystem::path trace;
  std::filesystem::path acceptance;
  std::filesystem::path inputs;  // the frames that it goes on from
  std::filesystem::path thumbnail;
  std::filesystem::path spritesheet;
  std::filesystem::path journal;
  std::filesystem::path calls;    // what each call does, and its work
  std::filesystem::path program;  // for whoever runs calls of it elsewhere (proof/program_file.h)
};

// A frame made smaller by a whole factor, each pixel the mean of those it covers, until neither side is longer than
// `side`.
base::Result<video::Picture> shrunk(const video::FrameView& frame, int side);

// Writes what says how the video was made: the program file, and the list of the job's calls,
// {"calls": [{"call", "kind", "name", "multiply_adds"}]}.
base::Status write_program(const VideoPaths& paths, const generate::VideoJob& job);

// Writes what people look at while frames come: the video, its first frame as a picture, and a sheet of up to 16
// frames, evenly spaced, in rows of four. Not thread safe.
class VideoFiles {
 public:
  // Makes the folder, and clears what a killed run left in it.
  static base::Result<std::unique_ptr<VideoFiles>> open(const VideoPaths& paths, const generate::TextToVideo& request);
  base::Status add(std::size_t index, const video::FrameView& frame);
  // Call once, after the last frame.
  base::Result<proof::OutputFile> finish(const proof::Receipt& receipt);

 private:
  VideoFiles(const VideoPaths& paths, std::size_t frames, std::unique_ptr<video::Writer> writer)
      : paths_(paths), frames_(frames), writer_(std::move(writer)) {}
  const VideoPaths paths_;
  const std::size_t frames_;
  const std::unique_ptr<video::Writer> writer_;
  std::vector<video::Picture> sheet_;
};

}  // namespace starling::jobs
