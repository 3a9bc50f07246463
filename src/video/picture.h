#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "video/font.h"
#include "video/frames.h"

namespace starling::video {

// One colour everywhere, or an error if the size is out of bounds.
base::Result<Picture> make_picture(int width, int height, Colour colour);

// Copies a frame with its upper left corner at (x, y), cut off at the edges.
void paste(const FrameView& frame, int x, int y, Picture& onto);

// Fills [left, left + width) × [top, top + height), cut off at the edges.
void fill(Picture& picture, int left, int top, int width, int height, Colour colour);

base::Status write_png(const std::filesystem::path& path, const Picture& picture);
// A PNG whose pixels are stored as they are: as large as they, and made in no time.
base::Bytes png_bytes(const FrameView& frame);

struct SheetOptions {
  int columns = 6;  // frames of a video shown, evenly spaced from its first to its last
  int scale = 1;    // whole factor of enlargement
  int gap = 4;      // pixels between frames
};

// A row of a contact sheet: a video under its caption. The caption is broken into lines at spaces.
struct SheetRow {
  std::string caption;
  const Frames* video = nullptr;
};

// The videos' frames laid out for looking at, one row a video, on white. Videos may differ in size. Errors: no rows, an
// empty video, a sheet larger than kMaxSide.
base::Result<Picture> contact_sheet(std::span<const SheetRow> rows, const SheetOptions& options = {});

}  // namespace starling::video
