#include "train/dataset_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "train/world/random.h"
#include "video/fit.h"
#include "video/reader.h"

namespace starling::train {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostVideos = std::size_t{1} << 20U;
constexpr std::size_t kMostMetadata = std::size_t{64} << 20U;
constexpr std::size_t kLongestCaption = 4096;
constexpr std::size_t kMostCaptionFile = std::size_t{64} << 10U;
constexpr double kSecondsUsed = 60;
constexpr const char* kMetadataName = "metadata.jsonl";

bool is_video(const fs::path& path) {
  static constexpr std::array<std::string_view, 9> kEndings = {".mp4", ".mkv", ".mov", ".webm", ".avi",
                                                               ".gif", ".png", ".jpg", ".jpeg"};
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// Whether a relative path stays where it starts.
bool stays_inside(const fs::path& path) {
  return !path.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

video::Rate rate_of(double fps) {
  const int thousandths = static_cast<int>(std::lround(fps * 1000));
  const int common = std::gcd(thousandths, 1000);
  return {thousandths / common, 1000 / common};
}

base::Status check_shape(const ClipShape& shape) {
  STARLING_TRY(video::check_size(shape.width, shape.height));
  if (shape.frames < 1 || shape.frames > 4096) return base::invalid("clips have 1 to 4096 frames");
  if (!(shape.fps >= 0.1 && shape.fps <= 240)) return base::invalid("clips have 0.1 to 240 frames a second");
  return {};
}

}  // namespace

base::Result<FolderDataset> FolderDataset::open(const fs::path& folder, const ClipShape& shape, std::uint64_t seed) {
  STARLING_TRY(check_shape(shape));
  FolderDataset dataset(folder, shape, seed);
  const auto metadata = base::read_text_file(folder / kMetadataName, kMostMetadata);
  if (metadata.ok()) {
    STARLING_TRY(dataset.read_metadata(*metadata));
  } else if (metadata.error().code == base::ErrorCode::kNotFound) {
    STARLING_TRY(dataset.read_pairs());
  } else {
    return metadata.error();
  }
  if (dataset.videos_.empty()) {
    return base::not_found("there is no video in " + folder.string() +
                           ": put clips there with captions beside them (clip.mp4 and clip.txt) or a metadata.jsonl");
  }
  return dataset;
}

base::Status FolderDataset::add(std::string name, std::string caption, const std::string& where) {
  if (videos_.size() == kMostVideos) {
    return base::Error{base::ErrorCode::kLimit, folder_.string() + " has more than " + std::to_string(kMostVideos) +
                                                    " videos: divide it into several folders"};
  }
  if (const auto bad = base::first_invalid_utf8(caption)) {
    return base::corrupt("the caption in " + where + " is not UTF-8 at byte " + std::to_string(*bad) +
                         ": save it as UTF-8");
  }
  caption = trimmed(caption);
  if (caption.empty()) return base::invalid("the caption in " + where + " is empty: say what the video shows");
  if (caption.size() > kLongestCaption) {
    return base::invalid("the caption in " + where + " is longer than " + std::to_string(kLongestCaption) +
                         " bytes: shorten it");
  }
  std::error_code failed;
  const auto bytes = fs::file_size(folder_ / name, failed);
  if (failed)
    return base::not_found("cannot read " + (folder_ / name).string() + ", named in " + where + ": " +
                           failed.message());
  videos_.push_back({std::move(name), std::move(caption), bytes});
  return {};
}

base::Status FolderDataset::read_metadata(const std::string& text) {
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = trimmed(std::string_view(text).substr(start, end - start));
    start = end + 1;
    ++number;
    if (line.empty()) continue;
    const std::string where = (folder_ / kMetadataName).string() + ", line " + std::to_string(number);
    STARLING_ASSIGN(const base::Json entry, base::Json::parse(line, where));
    const auto name = entry.text("file_name");
    if (!name.ok()) return base::corrupt(where + ": " + name.error().message);
    const char* key = entry.has("text") ? "text" : "caption";
    auto caption = entry.text(key);
    if (!caption.ok()) return base::corrupt(where + ": " + caption.error().message);
    if (!stays_inside(*name)) {
      return base::invalid(where + ": the file name " + *name + " does not stay inside the folder");
    }
    STARLING_TRY(add(*name, *std::move(caption), where));
  }
  return {};
}

base::Status FolderDataset::read_pairs() {
  std::vector<std::string> names;
  std::error_code failed;
  fs::directory_iterator entries(folder_, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    if (is_video(entries->path())) names.push_back(entries->path().filename().string());
    if (names.size() > kMostVideos) break;
  }
  if (failed) return base::io_error("cannot list " + folder_.string() + ": " + failed.message());
  std::sort(names.begin(), names.end());
  for (auto& name : names) {
    const fs::path beside = fs::path(folder_ / name).replace_extension(".txt");
    auto caption = base::read_text_file(beside, kMostCaptionFile);
    if (!caption.ok() && caption.error().code == base::ErrorCode::kNotFound) {
      return base::not_found((folder_ / name).string() + " has no caption: write what it shows into " +
                             beside.string());
    }
    if (!caption.ok()) return caption.error();
    STARLING_TRY(add(std::move(name), *std::move(caption), beside.string()));
  }
  return {};
}

base::Result<Clip> FolderDataset::clip(std::uint64_t index) const {
  const Video& video = videos_[index % videos_.size()];
  const fs::path path = folder_ / video.name;
  video::ReaderOptions options;
  options.rate = rate_of(shape_.fps);
  STARLING_ASSIGN(const auto reader, video::open_reader(path, options));

  const auto wanted = static_cast<std::size_t>(shape_.frames);
  const std::size_t most = std::max(wanted, static_cast<std::size_t>(kSecondsUsed * shape_.fps));
  std::vector<std::vector<std::uint8_t>> frames;
  video::Picture picture;
  while (frames.size() < most) {
    STARLING_ASSIGN(const bool more, reader->next(picture));
    if (!more) break;
    frames.push_back(video::cover(picture.view(), shape_.width, shape_.height));
  }
  if (frames.size() < wanted) {
    return base::invalid(path.string() + " has " + std::to_string(frames.size()) + " frames at the wanted rate, but " +
                         std::to_string(wanted) + " are needed: take it away, or train on fewer frames");
  }
  Random random(derive(seed_, index));
  const std::size_t first = random.below(static_cast<std::uint32_t>(frames.size() - wanted + 1));
  Clip clip;
  clip.shape = shape_;
  clip.caption = video.caption;
  for (std::size_t i = first; i < first + wanted; ++i)
    clip.rgb.insert(clip.rgb.end(), frames[i].begin(), frames[i].end());
  return clip;
}

std::string FolderDataset::caption(std::uint64_t index, std::uint64_t /*epoch*/) const {
  return videos_[index % videos_.size()].caption;
}

base::Hash FolderDataset::identity() const {
  base::Encoder encoder;
  encoder.text("starling folder");
  encoder.u64(seed_);
  encoder.u32(static_cast<std::uint32_t>(shape_.width));
  encoder.u32(static_cast<std::uint32_t>(shape_.height));
  encoder.u32(static_cast<std::uint32_t>(shape_.frames));
  encoder.f32(static_cast<float>(shape_.fps));
  for (const Video& video : videos_) {
    encoder.text(video.name);
    encoder.text(video.caption);
    encoder.u64(video.bytes);
  }
  return base::sha256(encoder.data());
}

base::Status FolderDataset::check(const std::function<base::Status(std::size_t)>& progress) const {
  for (std::size_t i = 0; i < videos_.size(); ++i) {
    const auto read = clip(i);
    if (!read.ok()) return read.error();
    if (progress) STARLING_TRY(progress(i + 1));
  }
  return {};
}

}  // namespace starling::train
