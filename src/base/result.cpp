#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace starling::base {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    case ErrorCode::kIo:
      return "IO";
    case ErrorCode::kCorrupt:
      return "CORRUPT";
    case ErrorCode::kUnsupported:
      return "UNSUPPORTED";
    case ErrorCode::kLimit:
      return "LIMIT";
    case ErrorCode::kNonFinite:
      return "NON_FINITE";
    case ErrorCode::kCancelled:
      return "CANCELLED";
    case ErrorCode::kInternal:
      return "INTERNAL";
  }
  return "UNKNOWN";
}

void halt(const char* message) {
  std::fprintf(stderr, "starling: broken invariant: %s\n", message);
  std::abort();
}

}  // namespace starling::base
