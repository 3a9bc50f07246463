#include "video/xmp.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace starling::video {
namespace {

constexpr std::size_t kHeader = 8;       // a box's size and type
constexpr std::size_t kLongHeader = 16;  // with a size of 64 bits
constexpr std::array<std::uint8_t, 16> kXmpType = {0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8,
                                                   0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC};

std::uint64_t big_endian(base::ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

bool is_type(base::ByteView box, std::string_view type) {
  return std::ranges::equal(box.subspan(4, 4), type, {}, {}, [](char c) { return static_cast<std::uint8_t>(c); });
}

}  // namespace

base::Bytes xmp_box(std::string_view packet) {
  const std::size_t size = kHeader + kXmpType.size() + packet.size();
  base::Bytes box;
  for (int shift = 24; shift >= 0; shift -= 8) box.push_back(static_cast<std::uint8_t>(size >> shift & 0xFF));
  for (const char c : std::string_view("uuid")) box.push_back(static_cast<std::uint8_t>(c));
  box.insert(box.end(), kXmpType.begin(), kXmpType.end());
  box.insert(box.end(), packet.begin(), packet.end());
  return box;
}

bool is_mp4(base::ByteView file) { return file.size() >= kHeader && is_type(file, "ftyp"); }

base::Result<std::optional<std::string>> read_xmp(base::ByteView file) {
  std::optional<std::string> found;
  while (!file.empty()) {
    if (file.size() < kHeader) return base::corrupt("the file ends within the header of a box");
    std::uint64_t size = big_endian(file.first(4));
    std::size_t header = kHeader;
    if (size == 0) size = file.size();  // to the end of the file
    if (size == 1) {
      if (file.size() < kLongHeader) return base::corrupt("the file ends within the header of a box");
      size = big_endian(file.subspan(kHeader, 8));
      header = kLongHeader;
    }
    if (size < header || size > file.size()) return base::corrupt("a box of the file does not end where it says");
    const base::ByteView box = file.first(static_cast<std::size_t>(size));
    const base::ByteView body = box.subspan(header);
    if (is_type(box, "uuid") && body.size() >= kXmpType.size() &&
        std::ranges::equal(body.first(kXmpType.size()), kXmpType)) {
      const base::ByteView packet = body.subspan(kXmpType.size());
      if (packet.size() > kMaxXmpBytes) return base::limit_error("the file's XMP packet has more than 64 KiB");
      if (found) return base::corrupt("the file has two XMP packets, and each may say something else");
      found.emplace(packet.begin(), packet.end());
    }
    file = file.subspan(box.size());
  }
  return found;
}

}  // namespace starling::video
