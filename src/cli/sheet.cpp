#include "cli/sheet.h"

#include <algorithm>
#include <system_error>

#include "video/fit.h"
#include "video/picture.h"

namespace starling::cli {
namespace {

constexpr std::size_t kColumns = 12;
constexpr std::size_t kMostRows = 24;
// Pixels of a frame's longer side: larger ones are shrunk, small ones doubled.
constexpr int kLargestSide = 256;
constexpr int kSmallSide = 64;

}  // namespace

base::Result<Sheet> Sheet::open(const std::string& file) {
  Sheet sheet;
  sheet.file_ = file;
  if (file.empty()) return sheet;
  if (sheet.file_.extension() != ".png") {
    return base::invalid("a contact sheet is a picture: give it a name that ends in .png, not " + file);
  }
  std::error_code ignored;
  const std::filesystem::path folder = sheet.file_.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    return base::not_found("there is no folder " + folder.string() +
                           " for the contact sheet: make it, or choose another");
  }
  return sheet;
}

void Sheet::begin(const generate::TextToVideo& request) {
  if (file_.empty() || rows_.size() >= kMostRows) return;
  Row row;
  row.caption = request.prompt;
  row.all = static_cast<std::size_t>(request.frames);
  const std::int64_t side = std::max({request.width, request.height, std::int64_t{kLargestSide}});
  row.frames.width = static_cast<int>(std::max<std::int64_t>(1, request.width * kLargestSide / side));
  row.frames.height = static_cast<int>(std::max<std::int64_t>(1, request.height * kLargestSide / side));
  rows_.push_back(std::move(row));
}

void Sheet::add(std::size_t index, const video::FrameView& frame) {
  if (rows_.empty()) return;
  Row& row = rows_.back();
  const std::size_t columns = std::min(kColumns, row.all);
  const auto at = static_cast<std::size_t>(row.frames.count);
  if (at >= columns || index != (columns == 1 ? 0 : at * (row.all - 1) / (columns - 1))) return;
  const std::vector<std::uint8_t> small = video::cover(frame, row.frames.width, row.frames.height);
  row.frames.rgb.insert(row.frames.rgb.end(), small.begin(), small.end());
  ++row.frames.count;
}

base::Status Sheet::write() const {
  if (rows_.empty()) return {};
  std::vector<video::SheetRow> rows;
  for (const Row& row : rows_) rows.push_back({row.caption, &row.frames});
  const video::Frames& first = rows_[0].frames;
  video::SheetOptions options;
  options.columns = static_cast<int>(kColumns);
  options.scale = std::max(first.width, first.height) > kSmallSide ? 1 : 2;
  STARLING_ASSIGN(const video::Picture picture, video::contact_sheet(rows, options));
  return video::write_png(file_, picture);
}

}  // namespace starling::cli
