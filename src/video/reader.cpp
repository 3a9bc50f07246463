#include "video/reader.h"

#include <algorithm>

#include "video/decoder.h"
#include "video/paths.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace fs = std::filesystem;

namespace {

Error too_many_frames(int limit) {
  return {ErrorCode::kLimit, "the video has more than " + std::to_string(limit) +
                                 " frames at this rate: cut it into shorter pieces or ask for a lower rate"};
}

// Every frame of a file once.
class FileReader final : public Reader {
 public:
  explicit FileReader(std::unique_ptr<Decoder> decoder) : decoder_(std::move(decoder)) {}

  const VideoInfo& info() const override { return decoder_->info(); }

  Result<bool> next(Picture& frame) override {
    STARLING_ASSIGN(const bool any, decoder_->next(timed_));
    if (any) std::swap(frame, timed_.picture);
    return any;
  }

  std::optional<FrameTime> time() const override {
    if (info().container.ends_with("_pipe")) return std::nullopt;  // pictures
    const double tick = av_q2d(decoder_->time_base());
    FrameTime time{static_cast<double>(timed_.time) * tick, {}, tick};
    if (timed_.has_duration) time.duration = static_cast<double>(timed_.duration) * tick;
    return time;
  }

 private:
  std::unique_ptr<Decoder> decoder_;
  TimedPicture timed_;
};

// The frames of a file nearest to times evenly spaced.
class ResamplingReader final : public Reader {
 public:
  ResamplingReader(std::unique_ptr<Decoder> decoder, const ReaderOptions& options)
      : decoder_(std::move(decoder)), spacing_(av_inv_q(to_rational(*options.rate))), max_frames_(options.max_frames) {}

  const VideoInfo& info() const override { return decoder_->info(); }

  Result<bool> next(Picture& frame) override {
    if (!started_) {
      started_ = true;
      STARLING_ASSIGN(has_current_, decoder_->next(current_));
      STARLING_ASSIGN(has_following_, decoder_->next(following_));
    }
    while (has_current_ && !current_is_nearest()) {
      std::swap(current_, following_);
      has_current_ = has_following_;
      if (has_following_) {
        STARLING_ASSIGN(has_following_, decoder_->next(following_));
      }
    }
    if (!has_current_) return false;
    if (given_ >= max_frames_) return too_many_frames(max_frames_);
    ++given_;
    frame = current_.picture;
    return true;
  }

 private:
  // Whether the next output time is no later than halfway to the following frame, or than the end of the last.
  bool current_is_nearest() const {
    if (!has_following_) {
      return av_compare_ts(given_, spacing_, current_.time + current_.duration, decoder_->time_base()) < 0;
    }
    return av_compare_ts(std::int64_t{2} * given_, spacing_, current_.time + following_.time, decoder_->time_base()) <=
           0;
  }

  std::unique_ptr<Decoder> decoder_;
  AVRational spacing_;
  int max_frames_;
  int given_ = 0;
  bool started_ = false;
  bool has_current_ = false;
  bool has_following_ = false;
  TimedPicture current_;
  TimedPicture following_;
};

// Numbered pictures as one video; numbers are ascending.
class SequenceReader final : public Reader {
 public:
  SequenceReader(Sequence sequence, std::vector<int> numbers, const ReaderOptions& options)
      : sequence_(std::move(sequence)), numbers_(std::move(numbers)), options_(options) {
    options_.rate.reset();
  }

  Status open(Rate rate) {
    STARLING_ASSIGN(const std::unique_ptr<Decoder> decoder, open_picture(numbers_[0]));
    info_ = decoder->info();
    info_.rate = rate;
    return {};
  }

  const VideoInfo& info() const override { return info_; }

  Result<bool> next(Picture& frame) override {
    if (next_ == numbers_.size()) return false;
    const int number = numbers_[0] + static_cast<int>(next_);
    if (numbers_[next_] != number) {
      return base::corrupt("the sequence " + quoted(sequence_.folder / sequence_.pattern.name(numbers_[0])) +
                           " and on lacks number " + std::to_string(number) + ": give the whole of it");
    }
    ++next_;
    STARLING_ASSIGN(const std::unique_ptr<Decoder> decoder, open_picture(number));
    TimedPicture timed;
    STARLING_TRY(first_frame(*decoder, timed));
    if (timed.picture.width != info_.width || timed.picture.height != info_.height) {
      return base::invalid("the pictures of a sequence must have one size, and " +
                           quoted(sequence_.folder / sequence_.pattern.name(number)) + " has another");
    }
    frame = std::move(timed.picture);
    return true;
  }

 private:
  Result<std::unique_ptr<Decoder>> open_picture(int number) const {
    const fs::path path = sequence_.folder / sequence_.pattern.name(number);
    STARLING_ASSIGN(std::unique_ptr<Input> input, Input::open(path, options_.max_file_bytes));
    return Decoder::open(std::move(input), quoted(path), options_);
  }

  static Status first_frame(Decoder& decoder, TimedPicture& out) {
    const Result<bool> any = decoder.next(out);
    if (!any.ok()) return any.error();
    return {};
  }

  Sequence sequence_;
  std::vector<int> numbers_;
  std::size_t next_ = 0;
  ReaderOptions options_;
  VideoInfo info_;
};

Result<std::unique_ptr<Reader>> open_sequence_reader(const Sequence& sequence, const ReaderOptions& options) {
  std::vector<int> numbers;
  std::error_code error;
  const fs::path folder = sequence.folder.empty() ? fs::path(".") : sequence.folder;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (const auto number = sequence.pattern.number_of(entry->path().filename().native())) numbers.push_back(*number);
    if (static_cast<int>(numbers.size()) > options.max_frames) return too_many_frames(options.max_frames);
  }
  if (error)
    return Error{ErrorCode::kNotFound, "cannot read the folder " + quoted(folder) + " (" + error.message() + ")"};
  std::sort(numbers.begin(), numbers.end());
  const fs::path shown = folder / (sequence.pattern.before + "NUMBER" + sequence.pattern.after);
  if (numbers.empty()) return base::not_found("there are no pictures " + quoted(shown));
  auto reader = std::make_unique<SequenceReader>(sequence, std::move(numbers), options);
  STARLING_TRY(reader->open(options.rate.value_or(Rate{})));
  return std::unique_ptr<Reader>(std::move(reader));
}

Result<std::unique_ptr<Reader>> open_input(std::unique_ptr<Input> input, std::string name,
                                           const ReaderOptions& options) {
  if (options.rate) STARLING_TRY(check_rate(*options.rate));
  STARLING_ASSIGN(std::unique_ptr<Decoder> decoder, Decoder::open(std::move(input), std::move(name), options));
  if (options.rate) {
    return std::unique_ptr<Reader>(std::make_unique<ResamplingReader>(std::move(decoder), options));
  }
  return std::unique_ptr<Reader>(std::make_unique<FileReader>(std::move(decoder)));
}

}  // namespace

Result<std::unique_ptr<Reader>> open_reader(const fs::path& path, const ReaderOptions& options) {
  if (options.rate) STARLING_TRY(check_rate(*options.rate));
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    if (const auto sequence = parse_sequence(path)) return open_sequence_reader(*sequence, options);
  }
  STARLING_ASSIGN(std::unique_ptr<Input> input, Input::open(path, options.max_file_bytes));
  return open_input(std::move(input), quoted(path), options);
}

Result<std::unique_ptr<Reader>> open_reader(base::ByteView file, const ReaderOptions& options) {
  if (file.size() > options.max_file_bytes) {
    return Error{ErrorCode::kLimit, "the video has " + std::to_string(file.size()) + " bytes, more than the limit of " +
                                        std::to_string(options.max_file_bytes)};
  }
  STARLING_ASSIGN(std::unique_ptr<Input> input, Input::open(file));
  return open_input(std::move(input), "the file", options);
}

Result<Frames> read_frames(Reader& reader, const ReaderOptions& options) {
  const VideoInfo& info = reader.info();
  STARLING_ASSIGN(Frames frames, make_frames(info.width, info.height, 0, info.rate));
  Picture picture;
  while (true) {
    STARLING_ASSIGN(const bool any, reader.next(picture));
    if (!any) return frames;
    if (frames.rgb.size() + picture.rgb.size() > std::min(options.max_bytes, kMaxFramesBytes)) {
      return Error{ErrorCode::kLimit, "the video needs more than the limit of " +
                                          std::to_string(std::min(options.max_bytes, kMaxFramesBytes) >> 20) +
                                          " MiB for its frames: cut it into shorter pieces or scale it down"};
    }
    frames.rgb.insert(frames.rgb.end(), picture.rgb.begin(), picture.rgb.end());
    ++frames.count;
  }
}

Result<Frames> read_frames(const fs::path& path, const ReaderOptions& options) {
  STARLING_ASSIGN(const std::unique_ptr<Reader> reader, open_reader(path, options));
  return read_frames(*reader, options);
}

Result<Picture> read_picture(const fs::path& path, const ReaderOptions& options) {
  STARLING_ASSIGN(const std::unique_ptr<Reader> reader, open_reader(path, options));
  Picture picture;
  STARLING_ASSIGN(const bool any, reader->next(picture));
  if (!any) return base::corrupt(quoted(path) + " holds no picture");
  return picture;
}

}  // namespace starling::video
