#include "video/xmp.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "temporary_folder.h"
#include "video/reader.h"
#include "video/writer.h"

namespace starling::video {
namespace {

constexpr std::string_view kPacket = "<x:xmpmeta>of here</x:xmpmeta>";

Frames two_frames() {
  Frames frames;
  frames.width = 32;
  frames.height = 16;
  frames.count = 2;
  frames.rate = {8, 1};
  for (int i = 0; i < 2 * 32 * 16 * 3; ++i) frames.rgb.push_back(static_cast<std::uint8_t>(i));
  return frames;
}

class Xmp : public FolderTest {
 protected:
  base::Bytes written(const char* name, std::string_view packet) const {
    const Frames frames = two_frames();
    auto writer = open_writer(folder_ / name, frames.width, frames.height, {.rate = frames.rate});
    EXPECT_TRUE(writer.ok()) << writer.error().message;
    for (int i = 0; i < frames.count; ++i) EXPECT_TRUE((*writer)->add(frames.frame(i)).ok());
    EXPECT_TRUE((*writer)->finish(packet).ok());
    auto bytes = base::read_file(folder_ / name, 1 << 20);
    EXPECT_TRUE(bytes.ok());
    return *std::move(bytes);
  }
};

TEST_F(Xmp, AnMp4CarriesItsPacketAndPlaysAsBefore) {
  const base::Bytes with = written("with.mp4", kPacket);
  const base::Bytes without = written("without.mp4", {});
  EXPECT_EQ(with.size(), without.size() + kPacket.size() + 24);
  EXPECT_TRUE(std::equal(without.begin(), without.end(), with.begin()));
  EXPECT_TRUE(is_mp4(with));
  EXPECT_EQ(*read_xmp(with), std::string(kPacket));
  EXPECT_EQ(*read_xmp(without), std::nullopt);
  const auto shown = [&](const char* name) {
    const auto reader = open_reader(folder_ / name);
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    return read_frames(**reader)->rgb;
  };
  EXPECT_EQ(shown("with.mp4"), shown("without.mp4"));
}

TEST_F(Xmp, OtherTypesCarryNone) {
  const base::Bytes webm = written("a.webm", kPacket);
  EXPECT_FALSE(is_mp4(webm));
  EXPECT_EQ(webm, written("b.webm", {}));
}

TEST(XmpBoxes, TwoPacketsAreNone) {
  base::Bytes both = xmp_box(kPacket);
  const base::Bytes other = xmp_box("of elsewhere");
  both.insert(both.end(), other.begin(), other.end());
  EXPECT_EQ(read_xmp(both).error().code, base::ErrorCode::kCorrupt);
}

TEST(XmpBoxes, WhatIsDamagedIsSaidSo) {
  const base::Bytes box = xmp_box(kPacket);
  EXPECT_EQ(*read_xmp(box), std::string(kPacket));
  EXPECT_EQ(*read_xmp({}), std::nullopt);
  for (std::size_t size = 1; size < box.size(); ++size) {
    EXPECT_EQ(read_xmp(base::ByteView(box).first(size)).error().code, base::ErrorCode::kCorrupt) << size;
  }
  // A size of 0 goes to the end, one of 1 has 64 bits.
  base::Bytes open = box;
  open[3] = 0;
  EXPECT_EQ(*read_xmp(open), std::string(kPacket));
  base::Bytes wide = box;
  wide.insert(wide.begin() + 8, 8, 0);
  wide[3] = 1;
  wide[15] = static_cast<std::uint8_t>(wide.size());
  EXPECT_EQ(*read_xmp(wide), std::string(kPacket));
  wide[8] = 0x80;
  EXPECT_FALSE(read_xmp(wide).ok());
  base::Bytes small = box;
  small[3] = 7;
  EXPECT_FALSE(read_xmp(small).ok());
  EXPECT_EQ(read_xmp(xmp_box(std::string(kMaxXmpBytes + 1, ' '))).error().code, base::ErrorCode::kLimit);
}

}  // namespace
}  // namespace starling::video
