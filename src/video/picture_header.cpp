#include "video/picture_header.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace starling::video {
namespace {

const base::Bytes kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::int64_t kAroundChunk = 12;  // length, name and checksum
constexpr std::int64_t kMostSmallChunk = 1024;
constexpr std::array<std::string_view, 6> kPixelChunks = {"IDAT", "fdAT", "IHDR", "PLTE", "tRNS", "IEND"};
// Of an animation, and how colours and pixels are meant: none is compressed, and all are short.
constexpr std::array<std::string_view, 8> kSmallChunks = {"acTL", "fcTL", "pHYs", "gAMA",
                                                          "cHRM", "sRGB", "sBIT", "cICP"};

std::int64_t big_endian(const base::Bytes& bytes, std::size_t at, std::size_t count) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}

bool is_png(Input& input) { return input.peek(0, kPngSignature.size()) == kPngSignature; }

bool is_needed(std::string_view name, std::int64_t length) {
  return std::ranges::find(kPixelChunks, name) != kPixelChunks.end() ||
         (length <= kMostSmallChunk && std::ranges::find(kSmallChunks, name) != kSmallChunks.end());
}

// From the first header of a frame that there is.
std::optional<PictureSize> jpeg_size(Input& input) {
  for (std::int64_t at = 2;;) {
    const base::Bytes head = input.peek(at, 9);
    if (head.size() < 9 || head[0] != 0xFF) return {};
    const unsigned marker = head[1];
    if (marker == 0xFF) {  // a filling byte
      ++at;
      continue;
    }
    const bool begins_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (begins_frame) return PictureSize{big_endian(head, 7, 2), big_endian(head, 5, 2)};
    if (marker == 0xDA || marker == 0xD9) return {};
    at += 2 + std::max<std::int64_t>(2, big_endian(head, 2, 2));
  }
}

}  // namespace

std::optional<PictureSize> declared_size(Input& input) {
  constexpr std::size_t kHeader = 24;
  const base::Bytes head = input.peek(0, kHeader);
  if (head.size() >= 3 && head[0] == 0xFF && head[1] == 0xD8 && head[2] == 0xFF) return jpeg_size(input);
  if (!is_png(input) || head.size() < kHeader) return {};
  return PictureSize{big_endian(head, 16, 4), big_endian(head, 20, 4)};
}

std::optional<std::vector<FilePart>> pixel_parts(Input& input) {
  if (!is_png(input)) return {};
  std::vector<FilePart> parts{{0, static_cast<std::int64_t>(kPngSignature.size())}};
  for (std::int64_t at = parts[0].size; at < input.size();) {
    const base::Bytes head = input.peek(at, 8);
    const bool whole = head.size() == 8 && big_endian(head, 0, 4) <= input.size() - at - kAroundChunk;
    const std::int64_t size = whole ? big_endian(head, 0, 4) + kAroundChunk : input.size() - at;
    const std::string_view name =
        whole ? std::string_view(reinterpret_cast<const char*>(head.data()) + 4, 4) : std::string_view();
    if (!whole || is_needed(name, size - kAroundChunk)) {
      if (parts.back().from + parts.back().size == at) {
        parts.back().size += size;
      } else {
        parts.push_back({at, size});
      }
    }
    if (name == "IEND") break;
    at += size;
  }
  return parts;
}

}  // namespace starling::video
