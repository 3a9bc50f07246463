#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "train/first_world/scene.h"

namespace starling::train {

// What is true of the object in one frame, in pixels; x to the right, y down, from the top left corner of the picture.
struct FrameTruth {
  double centre_x = 0, centre_y = 0;                // of the bounding box
  double left = 0, top = 0, right = 0, bottom = 0;  // of the bounding box, also where it leaves the picture
  double visible = 0;                               // fraction of the bounding box inside the picture
};

// Draws frames × height × width × 3 bytes, RGB. Edges are smoothed by the analytic coverage of each pixel. The same
// bytes on every machine. An error unless width and height are multiples of 8 in [32, 1024], frames in [1, 4096], fps
// in (0, 240].
base::Result<std::vector<std::uint8_t>> render(const Scene& scene, int width, int height, int frames, double fps);

// The truth of frame number `frame` of the same picture.
FrameTruth truth_at(const Scene& scene, int width, int height, int frame, double fps);

}  // namespace starling::train
