#include <array>

#include "video/picture.h"

namespace starling::video {
namespace {

constexpr std::uint32_t kCrcPolynomial = 0xEDB88320U;
constexpr std::uint32_t kAdlerModulus = 65521;
constexpr std::size_t kMostStored = 65535;  // bytes of one stored block of deflate

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? (value >> 1U) ^ kCrcPolynomial : value >> 1U;
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrc = crc_table();

void put_u32(base::Bytes& bytes, std::uint32_t value) {
  for (unsigned shift = 32; shift > 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
}

void put_chunk(base::Bytes& png, std::string_view type, base::ByteView data) {
  put_u32(png, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = png.size();
  png.insert(png.end(), type.begin(), type.end());
  png.insert(png.end(), data.begin(), data.end());
  std::uint32_t crc = ~0U;
  for (std::size_t i = begin; i < png.size(); ++i) crc = kCrc[(crc ^ png[i]) & 0xFFU] ^ (crc >> 8U);
  put_u32(png, ~crc);
}

// zlib's format (RFC 1950) with blocks that are stored.
base::Bytes stored(base::ByteView data) {
  base::Bytes zlib{0x78, 0x01};
  std::uint32_t low = 1;
  std::uint32_t high = 0;
  for (std::size_t at = 0; at < data.size();) {
    const std::size_t size = std::min(kMostStored, data.size() - at);
    const auto length = static_cast<std::uint16_t>(size);
    const auto inverse = static_cast<std::uint16_t>(~length);
    zlib.push_back(at + size == data.size() ? 1 : 0);
    for (const std::uint16_t value : {length, inverse}) {
      zlib.push_back(static_cast<std::uint8_t>(value));
      zlib.push_back(static_cast<std::uint8_t>(value >> 8U));
    }
    for (const std::uint8_t byte : data.subspan(at, size)) {
      low = (low + byte) % kAdlerModulus;
      high = (high + low) % kAdlerModulus;
      zlib.push_back(byte);
    }
    at += size;
  }
  put_u32(zlib, high << 16U | low);
  return zlib;
}

}  // namespace

base::Bytes png_bytes(const FrameView& frame) {
  const auto row = static_cast<std::size_t>(frame.width) * 3;
  base::Bytes lines;
  lines.reserve((row + 1) * static_cast<std::size_t>(frame.height));
  for (std::size_t y = 0; y < static_cast<std::size_t>(frame.height); ++y) {
    lines.push_back(0);  // no filter
    const auto pixels = frame.rgb.subspan(y * row, row);
    lines.insert(lines.end(), pixels.begin(), pixels.end());
  }
  base::Bytes png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  base::Bytes header;
  put_u32(header, static_cast<std::uint32_t>(frame.width));
  put_u32(header, static_cast<std::uint32_t>(frame.height));
  header.insert(header.end(), {8, 2, 0, 0, 0});  // 8 bits, RGB
  put_chunk(png, "IHDR", header);
  put_chunk(png, "IDAT", stored(lines));
  put_chunk(png, "IEND", {});
  return png;
}

}  // namespace starling::video
