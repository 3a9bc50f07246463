#include "generate/video_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "base/file.h"

namespace starling::generate {

namespace fs = std::filesystem;

namespace {

std::string frame_name(std::size_t frame) { return "frame " + std::to_string(frame) + " of the video"; }

// How far from the change to the next frame the middle of a picture may lie and still show either, in its duration:
// just less than half, so that at the receipt's own rate each picture has one frame.
constexpr double kChangeSlack = 0.45;
// There it shows the one that it is more like. Where pictures last about as long as frames, one that is out of its
// place by a container's ticks must be much more like another for that.
constexpr double kManyPictures = 0.75;
constexpr double kDoubt = 0.5;
constexpr std::size_t kMostRepeats = 15;
// A file of so much less than the receipt's rate that ends early lacks frames for that reason.
constexpr double kSlower = 0.95;

double squared_error(const video::FrameView& one, const video::FrameView& other) {
  double sum = 0;
  for (std::size_t i = 0; i < one.rgb.size(); ++i) {
    const int difference = static_cast<int>(one.rgb[i]) - other.rgb[i];
    sum += difference * difference;
  }
  return sum;
}

std::string rate_text(double rate) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", rate);
  return text.data();
}

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

base::Result<VideoCheck> VideoCheck::open(const fs::path& path, const TextToVideo& request, bool may_have_lost) {
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
  STARLING_ASSIGN(check.comparer_,
                  video::Comparer::open(info.width, info.height, rate, info.lossless && !may_have_lost));
  return check;
}

base::Status VideoCheck::read() {
  last_ = time_;
  has_picture_ = false;
  const auto more = reader_->next(picture_);
  if (!more.ok()) return note_failure(frames_ == total_ ? "video" : frame_name(frames_), more.error());
  has_picture_ = *more;
  time_ = *more ? reader_->time() : std::nullopt;
  return {};
}

// Between two frames a converter rounds to its own pictures, so the one at the change may show either.
bool VideoCheck::stays(const video::FrameView* next) {
  doubtful_ = false;
  if (!time_ || frames_ == 0) return false;
  const double frame = 1 / rate_.per_second();
  const double duration = std::min(time_->duration.value_or(frame), frame);
  const double middle = time_->start + duration / 2;
  const double change = static_cast<double>(frames_) * frame;
  const double slack = kChangeSlack * duration;
  if (middle <= change - slack) return true;
  if (middle > change + slack) return false;
  if (next == nullptr) return true;
  doubtful_ = true;
  const double before = squared_error(picture_.view(), previous_.view());
  const double after = squared_error(picture_.view(), *next);
  if (duration < kManyPictures * frame) return before < after;
  return middle <= change ? kDoubt * before <= after : before < kDoubt * after;
}

base::Status VideoCheck::take_repeats(const video::FrameView* next) {
  while (has_picture_ && !difference_ && stays(next)) {
    if (++repeats_ > kMostRepeats) {
      difference_ = proof::Difference{frame_name(frames_ - 1) + ": more than " + std::to_string(kMostRepeats + 1) +
                                      " pictures show it; a copy at a lower rate can be checked"};
      return {};
    }
    STARLING_TRY(comparer_->add_repeat(picture_.view()));
    has_spare_ = doubtful_;
    if (doubtful_) std::swap(spare_, picture_);
    STARLING_TRY(read());
  }
  return {};
}

// A container rounds times to its ticks; half a frame is what players may do with it.
void VideoCheck::check_time() {
  if (!time_ || wrong_time_) return;
  const double frame = 1 / rate_.per_second();
  const double wanted = static_cast<double>(frames_) * frame;
  if (std::abs(time_->start - wanted) <= frame / 2 + time_->tick) return;
  wrong_time_ = proof::Difference{frame_name(frames_) + ": it is shown at " + seconds_text(time_->start) + ", not at " +
                                  seconds_text(wanted)};
}

// The last of several shall not stay either.
void VideoCheck::check_end() {
  if (!last_ || !last_->duration || wrong_time_ || frames_ != total_ || total_ < 2) return;
  const double frame = 1 / rate_.per_second();
  const double end = last_->start + *last_->duration;
  if (end <= static_cast<double>(total_) * frame + frame / 2 + last_->tick) return;
  const double shown = repeats_ == 0 ? *last_->duration : end - static_cast<double>(total_ - 1) * frame;
  wrong_time_ = proof::Difference{frame_name(total_ - 1) + ": it is shown for " + seconds_text(shown) + ", not for " +
                                  seconds_text(frame)};
}

base::Status VideoCheck::add(const video::FrameView& frame) {
  if (difference_) return {};
  if (!started_) STARLING_TRY(read());
  started_ = true;
  STARLING_TRY(take_repeats(&frame));
  if (difference_) return {};
  // The last picture may show the frame before and this one.
  const bool ended = !has_picture_ && has_spare_;
  if (!has_picture_ && !ended) {
    const double file_rate = reader_->info().rate.per_second();
    const bool slower = last_ && file_rate < kSlower * rate_.per_second();
    difference_ =
        proof::Difference{slower ? "video: it shows " + rate_text(file_rate) + " frames a second and the receipt has " +
                                       rate_text(rate_.per_second()) +
                                       ", so not all of them are in it: a copy must keep at least that rate"
                                 : frame_name(frames_) + ": it ends before this frame"};
    too_slow_ = slower;
    return {};
  }
  STARLING_TRY(comparer_->add(frame, ended ? spare_.view() : picture_.view()));
  check_time();
  repeats_ = 0;
  has_spare_ = false;
  previous_.width = frame.width;
  previous_.height = frame.height;
  previous_.rgb.assign(frame.rgb.begin(), frame.rgb.end());
  ++frames_;
  if (ended) return {};
  return read();
}

base::Status VideoCheck::finish(const std::optional<proof::OutputFile>& written) {
  if (!difference_) STARLING_TRY(take_repeats(nullptr));
  if (!difference_ && has_picture_) {
    difference_ = proof::Difference{frame_name(frames_) + ": there is none in the receipt, which ends before it"};
  }
  check_end();
  // What the frames say comes before an end that is missing.
  if (comparer_ && frames_ > 0 && !too_slow_) {
    STARLING_ASSIGN(const video::Comparison comparison, comparer_->finish());
    psnr_db_ = comparison.psnr_db;
    identical_ = comparison.identical;
    if (comparison.first_difference) {
      const video::Difference& found = *comparison.first_difference;
      difference_ = proof::Difference{frame_name(static_cast<std::size_t>(found.frame)) + ": " + found.sentence};
      if (found.kind == video::DifferenceKind::kBits) {
        difference_->message += ", and the file is lossless; if it was made of a lossy copy, compare it with --lossy";
      }
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
