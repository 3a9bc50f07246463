#include <gtest/gtest.h>

#include "video/picture.h"
#include "video/reader.h"

namespace starling::video {
namespace {

TEST(Png, OthersReadThePixels) {
  for (const auto& [width, height] : {std::pair(1, 1), {3, 2}, {193, 190}}) {  // the last takes two stored blocks
    Picture picture = *make_picture(width, height, {});
    for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    const base::Bytes png = png_bytes(picture.view());
    auto reader = open_reader(png);
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    Picture read;
    ASSERT_TRUE(*(*reader)->next(read));
    EXPECT_EQ(read.width, width);
    EXPECT_EQ(read.rgb, picture.rgb);
  }
}

}  // namespace
}  // namespace starling::video
