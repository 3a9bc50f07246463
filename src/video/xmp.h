#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::video {

// XMP packets in MP4 files: a `uuid` box at the top level whose type is BE7ACFCB-97A9-42E8-9C71-999491E3AFAC (XMP
// Specification, Part 3, section 1.1.4).

inline constexpr std::size_t kMaxXmpBytes = std::size_t{1} << 16;

// The box around a packet of at most kMaxXmpBytes.
base::Bytes xmp_box(std::string_view packet);

// Whether a file with these bytes begins as an MP4 does.
bool is_mp4(base::ByteView file);

// The packet of an MP4 file; nothing if it has none. kCorrupt: its boxes do not lie in the file, or it has two packets;
// kLimit: the packet is longer than kMaxXmpBytes.
base::Result<std::optional<std::string>> read_xmp(base::ByteView file);

}  // namespace starling::video
