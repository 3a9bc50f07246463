#include "video/picture.h"

#include <algorithm>

#include "video/writer.h"

namespace starling::video {

using base::Result;
using base::Status;

namespace {

constexpr Colour kPaper{255, 255, 255};
constexpr Colour kInk{30, 30, 30};
constexpr int kLineHeight = kLetterHeight + 1;

// Lines of at most letters letters, broken at spaces, or anywhere in a word that is longer.
std::vector<std::string> break_lines(const std::string& text, int letters) {
  std::vector<std::string> lines;
  std::string line;
  const auto fits = [&](const std::string& more) { return letter_count(line + more) <= letters; };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && !fits(" " + word)) {
      lines.push_back(line);
      line.clear();
    }
    if (!line.empty()) line += ' ';
    for (const char byte : word) {
      const bool starts_letter = (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
      if (starts_letter && letter_count(line) >= letters) {
        lines.push_back(line);
        line.clear();
      }
      line += byte;
    }
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

int shown_index(int column, int columns, int count) {
  return columns == 1
             ? 0
             : static_cast<int>((static_cast<std::int64_t>(column) * (count - 1) + (columns - 1) / 2) / (columns - 1));
}

// Where one row of a sheet lies and what it shows.
struct Placed {
  std::vector<std::string> lines;
  int columns = 0;
  std::int64_t top = 0;
};

// Each pixel a square of that side.
Result<Picture> enlarge(const FrameView& picture, int factor) {
  STARLING_ASSIGN(Picture large, make_picture(picture.width * factor, picture.height * factor, {}));
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) {
      const std::size_t from = 3 * (static_cast<std::size_t>(y / factor) * picture.width + x / factor);
      std::copy_n(picture.rgb.data() + from, 3, &large.rgb[3 * (static_cast<std::size_t>(y) * large.width + x)]);
    }
  }
  return large;
}

}  // namespace

Result<Picture> make_picture(int width, int height, Colour colour) {
  STARLING_TRY(check_size(width, height));
  Picture picture{width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width) * height)};
  fill(picture, 0, 0, width, height, colour);
  return picture;
}

void fill(Picture& picture, int left, int top, int width, int height, Colour colour) {
  const int right = std::min(left + width, picture.width);
  const int bottom = std::min(top + height, picture.height);
  for (int y = std::max(top, 0); y < bottom; ++y) {
    for (int x = std::max(left, 0); x < right; ++x) {
      std::uint8_t* pixel = &picture.rgb[3 * (static_cast<std::size_t>(y) * picture.width + x)];
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

void paste(const FrameView& frame, int x, int y, Picture& onto) {
  const int left = std::max(0, -x);
  const int right = std::min(frame.width, onto.width - x);
  if (left >= right) return;
  for (int row = std::max(0, -y); row < std::min(frame.height, onto.height - y); ++row) {
    std::copy_n(frame.rgb.data() + 3 * (static_cast<std::size_t>(row) * frame.width + left), 3 * (right - left),
                &onto.rgb[3 * (static_cast<std::size_t>(y + row) * onto.width + x + left)]);
  }
}

Status write_png(const std::filesystem::path& path, const Picture& picture) {
  STARLING_ASSIGN(const std::unique_ptr<Writer> writer, open_writer(path, picture.width, picture.height, {}));
  STARLING_TRY(writer->add(picture.view()));
  return writer->finish();
}

Result<Picture> contact_sheet(std::span<const SheetRow> rows, const SheetOptions& options) {
  if (rows.empty()) return base::invalid("a contact sheet needs at least one video");
  if (options.columns < 1 || options.scale < 1 || options.scale > 64 || options.gap < 0 || options.gap > 256) {
    return base::invalid("a contact sheet needs at least one column, a scale of 1 to 64 and a gap of at most 256");
  }
  // The widest row decides how long a caption's lines may be.
  std::int64_t width = 0;
  for (const SheetRow& row : rows) {
    if (row.video == nullptr || row.video->count < 1) return base::invalid("a video of a contact sheet has no frames");
    const int columns = std::min(options.columns, row.video->count);
    width = std::max(width, columns * (std::int64_t{row.video->width} * options.scale + options.gap) + options.gap);
  }
  std::vector<Placed> places;
  std::int64_t height = options.gap;
  const auto letters = static_cast<int>(std::max<std::int64_t>(8, (width - 2 * options.gap) / kLetterWidth));
  for (const SheetRow& row : rows) {
    Placed place{break_lines(row.caption, letters), std::min(options.columns, row.video->count), height};
    height += static_cast<std::int64_t>(place.lines.size()) * kLineHeight;
    height += std::int64_t{row.video->height} * options.scale + options.gap;
    places.push_back(std::move(place));
  }
  width = std::max<std::int64_t>(width, 8 * kLetterWidth + 2 * options.gap);
  if (width > kMaxSide || height > kMaxSide) {
    return base::invalid("a contact sheet of " + std::to_string(width) + "x" + std::to_string(height) +
                         " pixels is too large: show fewer videos or columns, or lower the scale");
  }

  STARLING_ASSIGN(Picture sheet, make_picture(static_cast<int>(width), static_cast<int>(height), kPaper));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Frames& video = *rows[i].video;
    auto y = static_cast<int>(places[i].top);
    for (const std::string& line : places[i].lines) {
      draw_text(sheet, options.gap, y, line, kInk);
      y += kLineHeight;
    }
    for (int column = 0; column < places[i].columns; ++column) {
      const int x = options.gap + column * (video.width * options.scale + options.gap);
      const FrameView frame = video.frame(shown_index(column, places[i].columns, video.count));
      STARLING_ASSIGN(const Picture large, enlarge(frame, options.scale));
      paste(large.view(), x, y, sheet);
    }
  }
  return sheet;
}

}  // namespace starling::video
