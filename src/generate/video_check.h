#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "generate/text_to_video.h"
#include "proof/receipt.h"
#include "video/compare.h"
#include "video/reader.h"

namespace starling::generate {

// Compares a video file with the frames of a receipt while these are made again. What is wrong with the file is a
// difference; an error is one of the machine, such as a file that cannot be read. Not thread safe.
class VideoCheck {
 public:
  static base::Result<VideoCheck> open(const std::filesystem::path& path, const TextToVideo& request);

  // The frames in order.
  base::Status add(const video::FrameView& frame);
  // Call once, after the last frame. A file of as many bytes as the one that the receipt names, but not with those
  // bytes, was changed: a changed byte need not show in a frame. Any other file may be a copy that was encoded anew.
  base::Status finish(const std::optional<proof::OutputFile>& written);

  const std::optional<proof::Difference>& difference() const { return difference_; }
  // Over the frames compared so far as finish() found it; nothing if none were.
  std::optional<double> psnr_db() const { return psnr_db_; }
  // Whether every bit of them was equal.
  bool identical() const { return identical_; }

 private:
  VideoCheck() = default;
  // `where` begins the sentence.
  base::Status note_failure(const std::string& where, const base::Error& error);
  void check_time();
  std::filesystem::path path_;
  std::unique_ptr<video::Reader> reader_;
  std::unique_ptr<video::Comparer> comparer_;
  video::Picture picture_;
  std::size_t frames_ = 0;
  std::size_t total_ = 0;
  FrameRate rate_;
  std::optional<proof::Difference> wrong_time_;  // the first
  std::optional<proof::Difference> difference_;
  std::optional<double> psnr_db_;
  bool identical_ = false;
};

// Size and hash of a regular file.
base::Result<proof::OutputFile> describe_file(const std::filesystem::path& path);

}  // namespace starling::generate
