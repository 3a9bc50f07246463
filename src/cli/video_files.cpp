#include "cli/video_files.h"

#include <future>
#include <system_error>

#include "cli/paths.h"
#include "generate/provenance.h"
#include "generate/video_check.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

// The folder that a video and its receipt go into.
base::Status check_folder(const fs::path& receipt_file, const std::string& video) {
  const fs::path folder = receipt_file.parent_path();
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return {};
  const std::string problem = fs::exists(folder, ignored)
                                  ? folder.string() + " is not a folder: choose another"
                                  : "there is no folder " + folder.string() + ": make it, or choose another";
  return base::not_found("cannot write " + video + ": " + problem);
}

}  // namespace

base::Result<std::unique_ptr<VideoFiles>> VideoFiles::open(const std::string& output,
                                                           const generate::TextToVideo& request, bool lossless) {
  STARLING_ASSIGN(const video::FileType type, video::file_type_of(output));
  const fs::path receipt_file = receipt_path(output);
  STARLING_TRY(check_folder(receipt_file, output));
  if (const auto other = other_video_of_receipt(output)) {
    return base::invalid(receipt_file.string() + " is the receipt of " + other->string() +
                         ", which has the same name but for its ending: choose another name, or remove that video");
  }
  for (const fs::path& file :
       {receipt_file, trace_path(receipt_file), inputs_path(receipt_file), acceptance_path(receipt_file)}) {
    base::remove_abandoned(file);
  }
  video::WriterOptions options;
  options.rate = {static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
  options.lossless = lossless;
  STARLING_ASSIGN(std::unique_ptr<video::Writer> writer, video::open_writer(output, static_cast<int>(request.width),
                                                                            static_cast<int>(request.height), options));
  STARLING_ASSIGN(base::AtomicFile receipt_output, base::AtomicFile::create(receipt_file));
  return std::unique_ptr<VideoFiles>(new VideoFiles(output, std::move(receipt_output), std::move(writer), type));
}

VideoFiles::VideoFiles(std::string output, base::AtomicFile receipt_output, std::unique_ptr<video::Writer> writer,
                       video::FileType type)
    : output_(std::move(output)),
      receipt_(receipt_path(output_)),
      receipt_output_(std::move(receipt_output)),
      writer_(std::move(writer)),
      type_(type) {}

VideoFiles::~VideoFiles() {
  std::error_code error;
  for (const fs::path& path : published_) fs::remove(path, error);
}

fs::path VideoFiles::trace() const { return trace_path(receipt_); }

void VideoFiles::published(fs::path path) {
  names_.emplace_back(path);
  published_.push_back(std::move(path));
}

base::Result<std::optional<proof::OutputFile>> VideoFiles::finish_video(const proof::Receipt& receipt) {
  STARLING_TRY(writer_->finish(generate::provenance_packet(generate::provenance_of(receipt))));
  if (type_ == video::FileType::kPngSequence) return std::optional<proof::OutputFile>();
  published(output_);
  STARLING_ASSIGN(proof::OutputFile file, generate::describe_file(output_));
  return std::optional(file);
}

base::Status VideoFiles::publish(const std::function<base::Status()>& commit_trace,
                                 const std::function<base::Result<std::string>()>& receipt_text,
                                 const std::optional<std::string>& acceptance) {
  published(trace());
  auto trace_done = std::async(std::launch::async, commit_trace);
  STARLING_ASSIGN(const std::string text, receipt_text());
  STARLING_TRY(receipt_output_.write(base::as_bytes(text)));
  published(receipt_);
  STARLING_TRY(receipt_output_.commit(base::Durability::kWhole));
  const fs::path acceptance_file = acceptance_path(receipt_);
  const fs::path inputs_file = inputs_path(receipt_);
  std::error_code error;
  if (given_) {
    published(inputs_file);
    STARLING_TRY(base::write_file(inputs_file, given_->rgb));
  } else {
    fs::remove(inputs_file, error);  // of an earlier video of that name
  }
  if (acceptance.has_value()) {
    published(acceptance_file);
    STARLING_TRY(base::write_file(acceptance_file, base::as_bytes(*acceptance)));
  } else {
    fs::remove(acceptance_file, error);  // of an earlier video of that name
  }
  STARLING_TRY(trace_done.get());
  published_.clear();
  names_.clear();
  return {};
}

}  // namespace starling::cli
