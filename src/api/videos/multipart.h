#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace starling::api::videos {

// One part of a body of type multipart/form-data (RFC 7578). name and file are as they were sent, decoded, and checked
// to be UTF-8 without control characters; they name nothing on this machine.
struct FormPart {
  std::string name;
  bool is_file = false;  // it has a file name
  std::string file;
  std::string content_type;
  std::string_view content;  // in the body that was parsed
};

inline constexpr std::size_t kMaxFormParts = 64;
inline constexpr std::size_t kMaxPartHeader = 4096;  // bytes of one part's header lines together

// The boundary that a Content-Type header names; an error when this is no multipart/form-data, or names none of 1 to 70
// characters that a boundary may have.
base::Result<std::string> form_boundary(std::string_view content_type);

// The parts in their order. Errors: no such boundary at the beginning, a part without an end or a name, two parts of
// one name, header lines that are none, anything after the last boundary but white space, too much of anything.
base::Result<std::vector<FormPart>> parse_form(std::string_view body, std::string_view boundary);

}  // namespace starling::api::videos
