#include "api/ranged_file.h"

#include <algorithm>
#include <utility>

namespace starling::api {
namespace {

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.size - 1) + "/" +
         std::to_string(size);
}

}  // namespace

bool has_tag(const Request& request, std::string_view tag) {
  const std::string_view list = request.header("if-none-match");
  if (list == "*") return true;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string_view one = list.substr(at, end - at);
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
    at = end + 1;
  }
  return false;
}

Response ranged_file(const Request& request, OpenFile file, const std::string& tag, const std::string& caching) {
  const std::uint64_t size = file.size();
  Response response;
  ByteRange range{0, size};
  const std::string quoted = "\"" + tag + "\"";
  if (has_tag(request, quoted)) {
    response.status = 304;
    response.content_type.clear();
    response.headers = {{"ETag", quoted}, {"Cache-Control", caching}};
    return response;
  }
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
  response.headers.emplace_back("Cache-Control", caching);
  response.file = FileRange{std::move(file), range.offset, range.size};
  return response;
}

}  // namespace starling::api
