#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/router.h"

namespace starling::api {

// The studio, the page at /, which is built from web/ and is part of the program. Its files need no key; what they ask
// for does.
std::vector<Route> studio_routes();
bool is_studio_path(std::string_view path);

// A file of the page. Those whose name says what is in them may be kept for ever.
struct StudioFile {
  std::string_view path;  // as in the URL
  std::string_view type;
  std::string_view bytes;
  bool lasting;
};
const std::vector<StudioFile>& studio_files();  // made by cmake/embed_studio.cmake

}  // namespace starling::api
