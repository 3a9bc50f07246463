// Pictures and clips of this machine that are small and ask for much.
#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "cli/command.h"
#include "generate/clip_process.h"
#include "program.h"

namespace starling::cli {
namespace {

std::string png_chunk(const std::string& kind, const std::string& data) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = (table[i] >> 1U) ^ ((table[i] & 1U) * 0xEDB88320U);
  }
  std::uint32_t crc = ~0U;
  for (const char byte : kind + data) crc = table[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFFU] ^ (crc >> 8U);
  return big_endian(static_cast<std::uint32_t>(data.size())) + kind + data + big_endian(~crc);
}

// A PNG of one pixel, behind which zeros come: 2,064 for each 13 bytes of the file.
std::string endless_picture(std::size_t pieces) {
  std::string bits;
  const auto put = [&](std::string_view text) { bits.append(text); };
  put("010");  // not the last block, of the codes that are fixed
  put("00110000");
  for (int i = 0; i < 16; ++i) put("1100010100000");  // 258 bytes, as the one before
  std::string packed("\x78\x01");
  const auto byte_at = [&](std::size_t at) {
    unsigned byte = 0;
    for (unsigned i = 0; i < 8; ++i) byte |= static_cast<unsigned>(bits[at + i] == '1') << i;
    return static_cast<char>(byte);
  };
  // After three bits and a literal the codes come again after 13 bytes.
  for (std::size_t i = 0; i < 2; ++i) packed.push_back(byte_at(8 * i));
  std::string again;
  for (std::size_t i = 2; i < 15; ++i) again.push_back(byte_at(8 * i));
  for (std::size_t i = 0; i < pieces; ++i) packed += again;
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(1) + big_endian(1) + std::string("\x08\x02\0\0\0", 5)) +
         png_chunk("IDAT", packed) + png_chunk("IEND", "");
}

class ClipTest : public ProgramTest {};

TEST_F(ClipTest, APictureTakesNoMoreTimeThanItMay) {
  generate::TextToVideo request;
  request.width = 32;
  request.height = 16;
  generate::ClipLimits limits;
  limits.time = std::chrono::seconds(1);
  overwrite(at("small.png"), endless_picture(10));
  const auto small = generate::fit_clip_apart(at("small.png"), request, 1, limits);
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_EQ(small->count, 1);
  overwrite(at("endless.png"), endless_picture(std::size_t{4} << 20));  // 8 GiB
  const auto endless = generate::fit_clip_apart(at("endless.png"), request, 1, limits);
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().message, at("endless.png").string() +
                                         ": the file takes more memory or time to read than it may: give a smaller or "
                                         "shorter one");
}

TEST_F(ClipTest, AFileTakesNoMoreMemoryThanItMay) {
  overwrite(at("film.mp4"), film_of_much_memory());
  const auto before = left();
  const Ran ran = run({"generate", "a ball", "-o", at("x.mp4").string(), "--size", "32x16", "--steps", "1", "--model",
                       model().string(), "--image", at("film.mp4").string()});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_NE(ran.err.find(at("film.mp4").string()), std::string::npos) << ran.err;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)  // these take no such bound
  EXPECT_NE(ran.err.find("takes more memory"), std::string::npos) << ran.err;
#endif
  EXPECT_EQ(left(), before);
}

TEST_F(ClipTest, LongClipsMayTakeLonger) {
  overwrite(at("short.mp4"), "x");
  overwrite(at("long.mp4"), std::string(10 << 20, 'x'));
  const auto time = [&](const char* name) { return generate::limits_of_clip(at(name)).time.count(); };
  EXPECT_EQ(time("short.mp4"), 60);
  EXPECT_EQ(time("long.mp4"), 260);
  EXPECT_EQ(time("frame-%04d.png"), 24 * 3600);
}

}  // namespace
}  // namespace starling::cli
