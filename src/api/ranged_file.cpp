#include "api/ranged_file.h"

#include <utility>

namespace starling::api {
namespace {

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size - 1) + "/" +
         std::to_string(size);
}

}  // namespace

Response ranged_file(const Request& request, OpenFile file, const std::string& tag) {
  const std::uint64_t size = file.size();
  Response response;
  ByteRange range{0, size};
  const std::string quoted = "\"" + tag + "\"";
  const std::string& expected = request.header("if-range");
  const bool ranged = expected.empty() || expected == quoted;
  switch (ranged ? parse_range(request.header("range"), size, range) : RangeKind::kWhole) {
    case RangeKind::kUnsatisfiable:
      response = error_response(416, "INVALID_ARGUMENT", "there are " + std::to_string(size) + " bytes");
      response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
      return response;
    case RangeKind::kPart:
      response.status = 206;
      response.headers.emplace_back("Content-Range", content_range(range, size));
      break;
    case RangeKind::kWhole:
      break;
  }
  response.content_type = "application/octet-stream";
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("ETag", quoted);
  response.file = FileRange{std::move(file), range.offset, range.size};
  return response;
}

}  // namespace starling::api
