#include "generate/video_check.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "base/file.h"

namespace starling::generate {

namespace fs = std::filesystem;

namespace {

std::string frame_name(std::size_t frame) { return "frame " + std::to_string(frame) + " of the video"; }

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g s", seconds);
  return text.data();
}

}  // namespace

base::Result<proof::OutputFile> describe_file(const fs::path& path) {
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open(path));
  return proof::OutputFile{file.bytes().size(), base::sha256(file.bytes())};
}

// Keeps a failure of the file itself as the difference; gives back any other.
base::Status VideoCheck::note_failure(const std::string& where, const base::Error& error) {
  if (error.code == base::ErrorCode::kNotFound || error.code == base::ErrorCode::kIo ||
      error.code == base::ErrorCode::kCancelled) {
    return error;
  }
  if (!difference_) difference_ = proof::Difference{where + ": " + error.message};
  return {};
}

base::Result<VideoCheck> VideoCheck::open(const fs::path& path, const TextToVideo& request) {
  VideoCheck check;
  check.path_ = path;
  auto reader = video::open_reader(path);
  if (!reader.ok()) {
    STARLING_TRY(check.note_failure("video", reader.error()));
    return check;
  }
  check.reader_ = *std::move(reader);
  const video::VideoInfo& info = check.reader_->info();
  if (info.width != request.width || info.height != request.height) {
    check.difference_ = proof::Difference{"video: its frames are " + std::to_string(info.width) + "x" +
                                          std::to_string(info.height) + " pixels, those of the receipt " +
                                          std::to_string(request.width) + "x" + std::to_string(request.height)};
    return check;
  }
  if (const auto [across, down] = info.pixel_aspect; across != down) {
    check.difference_ = proof::Difference{"video: its pixels are to be shown " + std::to_string(across) + ":" +
                                          std::to_string(down) + ", those of the receipt are square"};
    return check;
  }
  check.rate_ = request.rate;
  check.total_ = static_cast<std::size_t>(request.frames);
  const video::Rate rate{static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
  STARLING_ASSIGN(check.comparer_, video::Comparer::open(info.width, info.height, rate, info.stores_rgb));
  return check;
}

// A container rounds times to its ticks; half a frame is what players may do with it. The last frame of several shall
// not stay either.
void VideoCheck::check_time() {
  const std::optional<video::FrameTime> time = reader_->time();
  if (!time) return;
  const double frame = 1 / rate_.per_second();
  const double wanted = static_cast<double>(frames_) * frame;
  const double allowed = frame / 2 + time->tick;
  if (std::abs(time->start - wanted) > allowed) {
    wrong_time_ = proof::Difference{frame_name(frames_) + ": it is shown at " + seconds_text(time->start) +
                                    ", not at " + seconds_text(wanted)};
  } else if (frames_ > 0 && frames_ + 1 == total_ && time->duration &&
             time->start + *time->duration > wanted + frame + allowed) {
    wrong_time_ = proof::Difference{frame_name(frames_) + ": it is shown for " + seconds_text(*time->duration) +
                                    ", not for " + seconds_text(frame)};
  }
}

base::Status VideoCheck::add(const video::FrameView& frame) {
  if (difference_) return {};
  const auto more = reader_->next(picture_);
  if (!more.ok()) return note_failure(frame_name(frames_), more.error());
  if (!*more) {
    difference_ = proof::Difference{frame_name(frames_) + ": it ends before this frame"};
    return {};
  }
  STARLING_TRY(comparer_->add(frame, picture_.view()));
  if (!wrong_time_) check_time();
  ++frames_;
  return {};
}

base::Status VideoCheck::finish(const std::optional<proof::OutputFile>& written) {
  if (!difference_) {
    const auto more = reader_->next(picture_);
    if (!more.ok()) {
      STARLING_TRY(note_failure("video", more.error()));
    } else if (*more) {
      difference_ = proof::Difference{frame_name(frames_) + ": there is none in the receipt, which ends before it"};
    }
  }
  // What the frames say comes before an end that is missing.
  if (comparer_ && frames_ > 0) {
    STARLING_ASSIGN(const video::Comparison comparison, comparer_->finish());
    psnr_db_ = comparison.psnr_db;
    identical_ = comparison.identical;
    if (comparison.first_difference) {
      const video::Difference& found = *comparison.first_difference;
      difference_ = proof::Difference{frame_name(static_cast<std::size_t>(found.frame)) + ": " + found.sentence};
    }
  }
  if (!difference_) difference_ = wrong_time_;
  std::error_code error;
  if (difference_ || !written || !fs::is_regular_file(path_, error)) return {};
  STARLING_ASSIGN(const proof::OutputFile file, describe_file(path_));
  if (file.bytes == written->bytes && file.sha256 != written->sha256) {
    difference_ = proof::Difference{"video: bytes of the file were changed that do not show in its frames"};
  }
  return {};
}

}  // namespace starling::generate
