#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace starling::base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Lower-case hexadecimal, without a prefix.
std::string to_hex(ByteView bytes);
// Accepts upper and lower case and an optional 0x; anything else is an error.
Result<Bytes> from_hex(std::string_view text);

}  // namespace starling::base
