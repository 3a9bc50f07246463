#pragma once

#include <cstdint>
#include <span>

#include "video/frames.h"

namespace starling::video {

inline constexpr int kPaletteSize = 256;

// The frame in at most 256 colours, for GIF. A frame that has no more is kept exactly; otherwise median cut (the box
// with the largest weighted extent is split at its median) and each pixel takes the nearest colour. No dithering: it
// flickers from frame to frame. Integers only, so the same frame gives the same palette everywhere. palette:
// 0xAARRGGBB, opaque, unused entries repeat the last colour; indices: one for each pixel.
void quantise(const FrameView& frame, std::span<std::uint32_t, kPaletteSize> palette, std::span<std::uint8_t> indices);

}  // namespace starling::video
