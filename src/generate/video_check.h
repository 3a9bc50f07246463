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

// Compares a video file with the frames of a receipt while these are made again. A file may show more pictures a second
// than the receipt has frames, each frame for its own time. What is wrong with the file is a
// difference; an error is one of the machine, such as a file that cannot be read. Not thread safe.
class VideoCheck {
 public:
  // may_have_lost: a lossless file may have been made of a copy that was not, and is judged as one.
  static base::Result<VideoCheck> open(const std::filesystem::path& path, const TextToVideo& request,
                                       bool may_have_lost = false);

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
  // The file's next picture, if there is one.
  base::Status read();
  // Whether the picture at hand, by its time, shows the frame before `frames_` still; next is what comes after that.
  bool stays(const video::FrameView* next);
  // Gives the pictures that show the last frame still to the comparer.
  base::Status take_repeats(const video::FrameView* next);
  void check_time();
  void check_end();
  std::filesystem::path path_;
  std::unique_ptr<video::Reader> reader_;
  std::unique_ptr<video::Comparer> comparer_;
  video::Picture picture_;  // read, and not compared yet
  bool has_picture_ = false;
  bool started_ = false;
  std::optional<video::FrameTime> time_;  // of the picture
  std::optional<video::FrameTime> last_;  // of the one before
  std::size_t repeats_ = 0;               // of the last frame, so far
  bool doubtful_ = false;                 // whether stays() asked what it looks like
  video::Picture spare_;                  // the last of these that was compared, if nothing came after it
  bool has_spare_ = false;
  video::Picture previous_;  // the last frame as it was computed
  std::size_t frames_ = 0;   // computed
  std::size_t total_ = 0;
  FrameRate rate_;
  bool too_slow_ = false;                        // fewer pictures a second than the receipt has frames
  std::optional<proof::Difference> wrong_time_;  // the first
  std::optional<proof::Difference> difference_;
  std::optional<double> psnr_db_;
  bool identical_ = false;
};

// Size and hash of a regular file.
base::Result<proof::OutputFile> describe_file(const std::filesystem::path& path);

}  // namespace starling::generate
