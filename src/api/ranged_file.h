#pragma once

#include <string>

#include "api/http.h"

namespace starling::api {

// A file as an answer to GET: all of it, or the one range that the request asks for (206, 416). tag: stands for the
// file's bytes as long as they are the same, without quotes.
Response ranged_file(const Request& request, OpenFile file, const std::string& tag);

}  // namespace starling::api
