#pragma once

#include <string>
#include <string_view>

#include "api/http.h"

namespace starling::api {

// Whether the request's If-None-Match names this ETag: then whoever asks has these bytes (RFC 9110 13.1.2).
bool has_tag(const Request& request, std::string_view tag);
// A file as an answer to GET: all of it, or the one range that the request asks for (206, 416), or none of it when the
// client has it (304). tag: stands for the file's bytes as long as they are the same, without quotes. caching: what
// Cache-Control says of it.
Response ranged_file(const Request& request, OpenFile file, const std::string& tag, const std::string& caching);

}  // namespace starling::api
