#include "video/writer.h"

#include <algorithm>

#include "video/paths.h"
#include "video/writers.h"

namespace starling::video {

using base::Result;
using base::Status;

namespace fs = std::filesystem;

Result<FileType> file_type_of(const fs::path& path) {
  std::string extension = path.extension().native();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const fs::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
  if (last.empty() || last == "." || last == "..") {
    return base::invalid(quoted(path) +
                         " has no name that a video and its receipt could have: name a file, or a folder");
  }
  const bool names_file = extension == ".mp4" || extension == ".webm" || extension == ".gif" || extension == ".png";
  std::error_code ignored;
  if (path.has_filename() && names_file && fs::is_directory(path, ignored)) {
    return base::invalid(quoted(path) + " is a folder: choose another name, or end it in / for a picture a frame");
  }
  if (const auto sequence = parse_sequence(path); sequence && sequence->pattern.after.ends_with(".png")) {
    return FileType::kPngSequence;
  }
  if (extension == ".mp4") return FileType::kMp4;
  if (extension == ".webm") return FileType::kWebm;
  if (extension == ".gif") return FileType::kGif;
  if (extension == ".png") return FileType::kPng;
  return base::invalid(
      "the type of video to write cannot be told from the name " + quoted(path) +
      ": end it in .mp4, .webm, .gif, .png (one frame), -%04d.png (a picture a frame), or / (a folder)");
}

Result<std::unique_ptr<Writer>> open_writer(const fs::path& path, int width, int height, const WriterOptions& options) {
  STARLING_ASSIGN(const FileType type, file_type_of(path));
  STARLING_TRY(check_size(width, height));
  STARLING_TRY(check_rate(options.rate));
  switch (type) {
    case FileType::kPng:
      return open_picture_writer(path, width, height);
    case FileType::kPngSequence:
      return open_sequence_writer(path, width, height);
    default:
      return open_container_writer(path, type, width, height, options);
  }
}

Status write_video(const fs::path& path, const Frames& frames, WriterOptions options) {
  options.rate = frames.rate;
  STARLING_ASSIGN(const std::unique_ptr<Writer> writer, open_writer(path, frames.width, frames.height, options));
  for (int index = 0; index < frames.count; ++index) STARLING_TRY(writer->add(frames.frame(index)));
  return writer->finish();
}

}  // namespace starling::video
