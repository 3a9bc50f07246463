#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "train/evaluation/surroundings.h"
#include "train/world/things.h"

namespace starling::train::evaluation {

// What the pixels of a picture are taken for: one of the colours of things, or a prop's.
inline constexpr std::size_t kPropLabel = generate::kColours;
inline constexpr std::size_t kWallLabel = generate::kColours + 1;
inline constexpr std::size_t kDarkLabel = generate::kColours + 2;  // patterns on what is pale
inline constexpr std::size_t kLabels = generate::kColours + 3;

// Pixels of one frame that hang together and are one thing's, or a wall's.
struct Blob {
  std::size_t label = 0;
  int left = 0, top = 0, width = 0, height = 0;  // of the window around it, a pixel larger on every side than it is
  std::vector<float> cover;                      // of the window's pixels: how much of each it covers, 0 to 1
  double area = 0, x = 0, y = 0;                 // pixels, the sum and the centroid of cover
  double accent = 0;                             // the share of its pixels in its pattern's second paint
  Paint paint{};                                 // the mean of its pixels but its pattern's second paint
  bool cut = false;                              // at the picture's edge, so that not all of it is seen

  bool prop() const { return label >= generate::kColours; }
};

// The things of a frame, and walls and props that are as large; in the order of their uppermost pixels.
std::vector<Blob> find_blobs(const ClipView& clip, int frame, const Surroundings& surroundings);

}  // namespace starling::train::evaluation
