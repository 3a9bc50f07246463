#include "jobs/video_files.h"

#include <algorithm>

#include "base/file.h"
#include "generate/provenance.h"
#include "generate/video_check.h"
#include "proof/program_file.h"

namespace starling::jobs {
namespace {

constexpr std::size_t kSheetFrames = 16;
constexpr int kSheetColumns = 4;
constexpr int kSheetSide = 320;  // of a frame in the sheet
constexpr int kThumbnailSide = 1024;

// Of `frames` the one that is shown at a place of the sheet.
std::size_t shown_at(std::size_t place, std::size_t frames) {
  const std::size_t places = std::min(frames, kSheetFrames);
  return places == 1 ? 0 : place * (frames - 1) / (places - 1);
}

}  // namespace

VideoPaths::VideoPaths(const std::filesystem::path& folder)
    : video(folder / "video.mp4"),
      receipt(folder / "video.receipt.json"),
      trace(folder / "video.trace"),
      acceptance(folder / "video.acceptance.json"),
      inputs(folder / "video.inputs"),
      thumbnail(folder / "thumbnail.png"),
      spritesheet(folder / "spritesheet.png"),
      journal(folder / "journal"),
      calls(folder / "calls.json"),
      program(folder / "video.program") {}

base::Status write_program(const VideoPaths& paths, const generate::VideoJob& job) {
  const exact::Program& program = job.program();
  const auto frame_bytes = static_cast<std::uint64_t>(job.request().width * job.request().height * 3);
  std::vector<std::optional<std::uint64_t>> places;
  for (const exact::GraphInput& input : program.inputs()) {
    const auto given = std::ranges::find(job.given_inputs(), input.name, &generate::GivenInput::name);
    const bool is_given = given != job.given_inputs().end();
    places.push_back(is_given ? std::optional(static_cast<std::uint64_t>(given->first) * frame_bytes) : std::nullopt);
  }
  STARLING_TRY(proof::write_program_file(paths.program, program, job.inputs(), places));
  std::vector<std::uint64_t> work;
  for (const exact::Graph& graph : program.graphs()) {
    const exact::Work counted = graph.work();
    work.push_back(counted.f32_multiply_adds + counted.i8_multiply_adds);
  }
  base::Json calls = base::Json::empty_array();
  for (std::uint32_t call = 0; call < program.calls().size(); ++call) {
    base::Json json = base::Json::empty_object();
    json.set("call", call);
    json.set("kind", generate::kind_name(job.calls().roles[call].kind));
    json.set("name", job.calls().describe(call));
    json.set("multiply_adds", work[program.calls()[call].graph]);
    calls.push(std::move(json));
  }
  base::Json json = base::Json::empty_object();
  json.set("calls", std::move(calls));
  return base::write_file(paths.calls, base::as_bytes(json.to_text()));
}

base::Result<video::Picture> shrunk(const video::FrameView& frame, int side) {
  const int longest = std::max(frame.width, frame.height);
  const int factor = (longest + side - 1) / side;
  STARLING_ASSIGN(video::Picture picture,
                  video::make_picture(std::max(frame.width / factor, 1), std::max(frame.height / factor, 1), {}));
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        unsigned sum = 0;
        unsigned count = 0;
        for (int v = y * factor; v < std::min((y + 1) * factor, frame.height); ++v) {
          for (int u = x * factor; u < std::min((x + 1) * factor, frame.width); ++u, ++count) {
            sum += frame.rgb[(static_cast<std::size_t>(v) * frame.width + u) * 3 + channel];
          }
        }
        picture.rgb[(static_cast<std::size_t>(y) * picture.width + x) * 3 + channel] =
            static_cast<std::uint8_t>((sum + count / 2) / count);
      }
    }
  }
  return picture;
}

base::Result<std::unique_ptr<VideoFiles>> VideoFiles::open(const VideoPaths& paths,
                                                           const generate::TextToVideo& request) {
  STARLING_TRY(base::make_directories(paths.video.parent_path(), base::FileMode::kPrivate));
  for (const auto& path : {paths.video, paths.receipt, paths.trace, paths.acceptance, paths.thumbnail,
                           paths.spritesheet, paths.calls, paths.program}) {
    base::remove_abandoned(path);
  }
  video::WriterOptions options;
  options.rate = {static_cast<int>(request.rate.numerator), static_cast<int>(request.rate.denominator)};
  STARLING_ASSIGN(
      std::unique_ptr<video::Writer> writer,
      video::open_writer(paths.video, static_cast<int>(request.width), static_cast<int>(request.height), options));
  return std::unique_ptr<VideoFiles>(
      new VideoFiles(paths, static_cast<std::size_t>(request.frames), std::move(writer)));
}

base::Status VideoFiles::add(std::size_t index, const video::FrameView& frame) {
  STARLING_TRY(writer_->add(frame));
  if (index == 0) {
    STARLING_ASSIGN(const video::Picture thumbnail, shrunk(frame, frames_ == 1 ? video::kMaxSide : kThumbnailSide));
    STARLING_TRY(video::write_png(paths_.thumbnail, thumbnail));
  }
  if (sheet_.size() < std::min(frames_, kSheetFrames) && index == shown_at(sheet_.size(), frames_)) {
    STARLING_ASSIGN(video::Picture small, shrunk(frame, kSheetSide));
    sheet_.push_back(std::move(small));
  }
  return {};
}

base::Result<proof::OutputFile> VideoFiles::finish(const proof::Receipt& receipt) {
  STARLING_TRY(writer_->finish(generate::provenance_packet(generate::provenance_of(receipt))));
  if (sheet_.empty()) return base::invalid("a video without frames");
  const int columns = std::min(static_cast<int>(sheet_.size()), kSheetColumns);
  const int rows = (static_cast<int>(sheet_.size()) + columns - 1) / columns;
  const int width = sheet_[0].width;
  const int height = sheet_[0].height;
  STARLING_ASSIGN(video::Picture sheet, video::make_picture(columns * width, rows * height, {}));
  for (int i = 0; i < static_cast<int>(sheet_.size()); ++i) {
    video::paste(sheet_[static_cast<std::size_t>(i)].view(), i % columns * width, i / columns * height, sheet);
  }
  STARLING_TRY(video::write_png(paths_.spritesheet, sheet));
  return generate::describe_file(paths_.video);
}

}  // namespace starling::jobs
