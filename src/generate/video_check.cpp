#include "generate/video_check.h"

#include <system_error>

#include "base/file.h"

namespace starling::generate {

namespace fs = std::filesystem;

base::Result<proof::OutputFile> describe_file(const fs::path& path) {
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open(path));
  return proof::OutputFile{file.bytes().size(), base::sha256(file.bytes())};
}

// Keeps a failure of the file itself as the difference; gives back any other.
base::Status VideoCheck::note_failure(const base::Error& error) {
  if (error.code == base::ErrorCode::kNotFound || error.code == base::ErrorCode::kIo ||
      error.code == base::ErrorCode::kCancelled) {
    return error;
  }
  if (!difference_) difference_ = proof::Difference{"video: " + error.message};
  return {};
}

base::Result<VideoCheck> VideoCheck::open(const fs::path& path, const TextToVideo& request) {
  VideoCheck check;
  check.path_ = path;
  auto reader = video::open_reader(path);
  if (!reader.ok()) {
    STARLING_TRY(check.note_failure(reader.error()));
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
  const video::Rate rate{static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
  STARLING_ASSIGN(check.comparer_, video::Comparer::open(info.width, info.height, rate, info.stores_rgb));
  return check;
}

base::Status VideoCheck::add(const video::FrameView& frame) {
  if (difference_) return {};
  const auto more = reader_->next(picture_);
  if (!more.ok()) return note_failure(more.error());
  if (!*more) {
    difference_ = proof::Difference{"frame " + std::to_string(frames_) + ": the video ends before it"};
    return {};
  }
  STARLING_TRY(comparer_->add(frame, picture_.view()));
  ++frames_;
  return {};
}

base::Status VideoCheck::finish(const std::optional<proof::OutputFile>& written) {
  if (!difference_) {
    const auto more = reader_->next(picture_);
    if (!more.ok()) {
      STARLING_TRY(note_failure(more.error()));
    } else if (*more) {
      difference_ = proof::Difference{"frame " + std::to_string(frames_) + ": the video goes on after the last one"};
    }
  }
  // What the frames say comes before an end that is missing.
  if (comparer_ && frames_ > 0) {
    STARLING_ASSIGN(const video::Comparison comparison, comparer_->finish());
    psnr_db_ = comparison.psnr_db;
    if (comparison.first_difference) {
      const video::Difference& found = *comparison.first_difference;
      difference_ = proof::Difference{"frame " + std::to_string(found.frame) + " of the video: " + found.sentence};
    }
  }
  std::error_code error;
  if (difference_ || !written || !fs::is_regular_file(path_, error)) return {};
  STARLING_ASSIGN(const proof::OutputFile file, describe_file(path_));
  if (file.bytes == written->bytes && file.sha256 != written->sha256) {
    difference_ = proof::Difference{"video: bytes of the file were changed that do not show in its frames"};
  }
  return {};
}

}  // namespace starling::generate
