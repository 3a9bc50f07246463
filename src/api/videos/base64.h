#pragma once

#include <string>

#include "base/bytes.h"

namespace starling::api::videos {

// RFC 4648, with padding.
std::string encode_base64(base::ByteView bytes);

}  // namespace starling::api::videos
