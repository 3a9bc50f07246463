#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "video/frames.h"

namespace starling::video {

// What the tests draw: anti-aliased shapes that move over a ground with a gradient and stripes, in saturated colours.
struct ClipStyle {
  int width = 64;
  int height = 64;
  int count = 17;
  int seed = 0;  // places, colours and speeds
  int shapes = 2;
};
Frames make_clip(const ClipStyle& style);

// Every pixel independent of the others: what no lossy codec keeps.
Frames make_noise(int width, int height, int count);

// The hash of every frame.
std::vector<base::Hash> frame_hashes(const Frames& frames);

// Over all pixels and channels, in decibels; 99 for equal frames.
double psnr(const Frames& a, const Frames& b);

}  // namespace starling::video
