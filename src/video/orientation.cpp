#include "video/orientation.h"

#include <algorithm>
#include <cstdlib>

namespace starling::video {

Orientation orientation_of(const std::int32_t* matrix) {
  if (matrix == nullptr) return {};
  const std::int64_t x_to_x = matrix[0];
  const std::int64_t x_to_y = matrix[1];
  const std::int64_t y_to_x = matrix[3];
  const std::int64_t y_to_y = matrix[4];
  if (std::abs(x_to_x) + std::abs(y_to_y) >= std::abs(x_to_y) + std::abs(y_to_x)) {
    return {false, x_to_x < 0, y_to_y < 0};
  }
  return {true, y_to_x < 0, x_to_y < 0};
}

void orient(Orientation orientation, Picture& picture) {
  if (orientation == Orientation{}) return;
  const int width = orientation.transposed ? picture.height : picture.width;
  const int height = orientation.transposed ? picture.width : picture.height;
  std::vector<std::uint8_t> turned(picture.rgb.size());
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      int to_x = orientation.transposed ? y : x;
      int to_y = orientation.transposed ? x : y;
      if (orientation.mirrored_across) to_x = width - 1 - to_x;
      if (orientation.mirrored_down) to_y = height - 1 - to_y;
      const std::size_t from = 3 * (static_cast<std::size_t>(y) * picture.width + x);
      const std::size_t to = 3 * (static_cast<std::size_t>(to_y) * width + to_x);
      std::copy_n(picture.rgb.begin() + static_cast<std::ptrdiff_t>(from), 3,
                  turned.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
  picture = {width, height, std::move(turned)};
}

}  // namespace starling::video
