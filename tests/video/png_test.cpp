#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string_view>

#include "video/picture.h"
#include "video/reader.h"

namespace starling::video {
namespace {

void put_u32(base::Bytes& bytes, std::size_t value) {
  for (unsigned shift = 32; shift > 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
}

void append(base::Bytes& bytes, base::ByteView more) {
  for (const std::uint8_t byte : more) bytes.push_back(byte);
}

base::Bytes chunk(std::string_view name, const base::Bytes& data) {
  base::Bytes bytes;
  put_u32(bytes, data.size());
  append(bytes, base::as_bytes(name));
  append(bytes, data);
  std::uint32_t crc = ~0U;
  for (std::size_t i = 4; i < bytes.size(); ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1U ^ 0xEDB88320U : crc >> 1U;
  }
  put_u32(bytes, ~crc);
  return bytes;
}

// A stream of zlib's format that becomes 1 + 258 copies zeros, in 13 bits for each 258 of them.
base::Bytes many_zeros(std::size_t copies) {
  base::Bytes stream{0x78, 0x01};
  unsigned held = 0;
  unsigned bits = 0;
  const auto put = [&](std::string_view word) {
    for (const char bit : word) {
      held |= (bit == '1' ? 1U : 0U) << bits++;
      if (bits < 8) continue;
      stream.push_back(static_cast<std::uint8_t>(held));
      held = bits = 0;
    }
  };
  put("110");                                                     // the last block, with the fixed code
  put("00110000");                                                // a zero
  for (std::size_t i = 0; i < copies; ++i) put("1100010100000");  // 258 bytes as the one before
  put("0000000");
  put("0000000");  // fills the last byte
  put_u32(stream, ((1 + 258 * copies) % 65521) << 16U | 1U);
  return stream;
}

// The picture with more chunks before its pixels.
base::Bytes with_chunks(const base::Bytes& png, const base::Bytes& chunks) {
  constexpr std::size_t kHeader = 8 + 25;
  const base::ByteView whole = png;
  base::Bytes more;
  append(more, whole.first(kHeader));
  append(more, chunks);
  append(more, whole.subspan(kHeader));
  return more;
}

std::int64_t most_memory_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

Picture pattern(int width, int height) {
  Picture picture = *make_picture(width, height, {});
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return picture;
}

TEST(Png, WhatIsPackedBesideThePixelsIsNeverUnpacked) {
  const Picture picture = pattern(40, 30);
  const base::Bytes packed = many_zeros(std::size_t{1} << 20);  // 258 MiB
  for (const char* const name : {"zTXt", "iTXt", "iCCP", "zzzz"}) {
    base::Bytes data{'x', 0};
    if (std::string_view(name) == "iTXt") append(data, base::Bytes{1, 0, 0, 0});  // packed, of no language
    if (std::string_view(name) != "iTXt") data.push_back(0);
    append(data, packed);
    const base::Bytes png = with_chunks(png_bytes(picture.view()), chunk(name, data));
    const std::int64_t before = most_memory_kib();
    auto reader = open_reader(png);
    ASSERT_TRUE(reader.ok()) << name << ": " << reader.error().message;
    Picture read;
    ASSERT_TRUE(*(*reader)->next(read));
    EXPECT_EQ(read.rgb, picture.rgb) << name;
    EXPECT_FALSE(*(*reader)->next(read)) << name;
    constexpr std::int64_t kMostKib = std::int64_t{32} << 10;
    EXPECT_LT(most_memory_kib() - before, kMostKib) << name;
  }
}

TEST(Png, ChunksThatAreNeededComeThroughAmongThoseThatAreNot) {
  const Picture picture = pattern(20, 10);
  base::Bytes pixels;  // not square
  put_u32(pixels, 2);
  put_u32(pixels, 1);
  pixels.push_back(0);
  base::Bytes chunks;
  for (int i = 0; i < 1000; ++i) {
    append(chunks, chunk("tEXt", {'k', 0, 'v'}));
    append(chunks, chunk("gAMA", {0, 0, 0xB1, 0x8F}));
  }
  append(chunks, chunk("pHYs", pixels));
  base::Bytes png = with_chunks(png_bytes(picture.view()), chunks);
  append(png, base::Bytes(100'000, 7));
  auto reader = open_reader(png);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_NE((*reader)->info().pixel_aspect, (Rate{1, 1}));
  Picture read;
  ASSERT_TRUE(*(*reader)->next(read));
  EXPECT_EQ(read.rgb, picture.rgb);
  EXPECT_FALSE(*(*reader)->next(read));
}

TEST(Png, AChunkThatLiesAboutItsLengthMakesItNoPicture) {
  const base::Bytes png = png_bytes(pattern(20, 10).view());
  for (const std::size_t length : {std::size_t{0x7FFFFFFF}, std::size_t{0xFFFFFFFF}, png.size()}) {
    base::Bytes lying;
    put_u32(lying, length);
    append(lying, base::Bytes{'z', 'T', 'X', 't'});
    EXPECT_FALSE(open_reader(with_chunks(png, lying)).ok()) << length;
  }
}

TEST(Pictures, TooManyPixelsAreRefusedWithTheirNumber) {
  base::Bytes png = png_bytes(pattern(1, 1).view());
  png[17] = png[21] = 1;  // 65537x65537
  const auto none = open_reader(png);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(none.error().message, "the file has 65537x65537 pixels, more than 40 million: scale it down");
  // A JPEG up to where it says its size: 8000x6000.
  const base::Bytes jpeg = {0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 'J',  'F', 0xFF, 0xFF, 0xC0, 0, 17,   8,
                            0x17, 0x70, 0x1F, 0x40, 3, 1, 0x11, 0,   2,    0x11, 1,    3, 0x11, 1};
  const auto large = open_reader(jpeg);
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().message, "the file has 8000x6000 pixels, more than 40 million: scale it down");
}

TEST(Png, OthersReadThePixels) {
  for (const auto& [width, height] : {std::pair(1, 1), {3, 2}, {193, 190}}) {  // the last takes two stored blocks
    const Picture picture = pattern(width, height);
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
