#include "api/videos/multipart.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "base/utf8.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxBoundary = 70;

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_plain(std::string_view text) {
  return !base::first_invalid_utf8(text).has_value() &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// "; key=value" or "; key="quoted"", taken from the front; nothing when the text goes on otherwise.
struct Attribute {
  std::string key;
  std::string value;
};
std::optional<Attribute> take_attribute(std::string_view& text) {
  text = trim(text);
  if (!text.starts_with(';')) return std::nullopt;
  text = trim(text.substr(1));
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Attribute attribute;
  attribute.key = std::string(trim(text.substr(0, equals)));
  text.remove_prefix(equals + 1);
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find(';'), text.size());
    attribute.value = std::string(trim(text.substr(0, end)));
    text.remove_prefix(end);
    return attribute;
  }
  // Browsers write a quote within as %22, others with a backslash before it.
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\')) ++at;
    attribute.value += text[at];
  }
  if (at >= text.size()) return std::nullopt;
  text.remove_prefix(at + 1);
  return attribute;
}

base::Error malformed(const char* what) {
  return base::invalid("the multipart body is malformed: " + std::string(what));
}

base::Status read_disposition(std::string_view value, FormPart& part) {
  const std::size_t end = std::min(value.find(';'), value.size());
  if (!same_word(trim(value.substr(0, end)), "form-data")) return malformed("a part is no form-data");
  value.remove_prefix(end);
  bool named = false;
  while (!trim(value).empty()) {
    std::optional<Attribute> attribute = take_attribute(value);
    if (!attribute) return malformed("a Content-Disposition does not end as it should");
    if (attribute->value.size() > kMaxName || !is_plain(attribute->value)) {
      return malformed("a name in it is too long, or no text");
    }
    if (same_word(attribute->key, "name")) {
      if (named) return malformed("a part has two names");
      named = true;
      part.name = std::move(attribute->value);
    } else if (same_word(attribute->key, "filename")) {
      part.is_file = true;
      part.file = std::move(attribute->value);
    }
  }
  if (part.name.empty()) return malformed("a part has no name");
  return {};
}

base::Status read_header(std::string_view lines, FormPart& part) {
  bool disposed = false;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return malformed("a line of a part's header has no name");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (same_word(name, "content-disposition")) {
      if (disposed) return malformed("a part has two Content-Dispositions");
      disposed = true;
      STARLING_TRY(read_disposition(value, part));
    } else if (same_word(name, "content-type")) {
      if (!is_plain(value)) return malformed("a part's Content-Type is no text");
      part.content_type = std::string(value);
    } else if (same_word(name, "content-transfer-encoding") && !same_word(value, "binary") &&
               !same_word(value, "8bit") && !same_word(value, "7bit")) {
      return malformed("a part is encoded; send it as it is");
    }
  }
  return disposed ? base::Status() : malformed("a part has no Content-Disposition");
}

}  // namespace

base::Result<std::string> form_boundary(std::string_view content_type) {
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (!same_word(trim(content_type.substr(0, end)), "multipart/form-data")) {
    return base::invalid("this is no multipart/form-data");
  }
  content_type.remove_prefix(end);
  while (const std::optional<Attribute> attribute = take_attribute(content_type)) {
    if (!same_word(attribute->key, "boundary")) continue;
    const std::string& boundary = attribute->value;
    const bool plain = std::ranges::all_of(boundary, [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view("'()+_,-./:=? ").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (boundary.empty() || boundary.size() > kMaxBoundary || !plain || boundary.back() == ' ') break;
    return boundary;
  }
  return base::invalid("the Content-Type names no boundary of 1 to 70 characters");
}

base::Result<std::vector<FormPart>> parse_form(std::string_view body, std::string_view boundary) {
  const std::string opening = "--" + std::string(boundary);
  const std::string closing = "\r\n" + opening;
  std::vector<FormPart> parts;
  std::set<std::string, std::less<>> names;
  if (!body.starts_with(opening)) return malformed("it does not begin with its boundary");
  body.remove_prefix(opening.size());
  while (!body.starts_with("--")) {
    if (parts.size() == kMaxFormParts) return malformed("it has more than 64 parts");
    if (!body.starts_with("\r\n"))
      return malformed("a boundary is followed by something else than the end of its line");
    body.remove_prefix(2);
    const std::size_t header_end = body.substr(0, kMaxPartHeader + 4).find("\r\n\r\n");
    if (header_end == std::string_view::npos) return malformed("a part's header does not end, or is too long");
    FormPart part;
    STARLING_TRY(read_header(body.substr(0, header_end), part));
    body.remove_prefix(header_end + 4);
    std::size_t end = body.find(closing);
    // An empty part's boundary follows its header at once.
    if (end == std::string_view::npos) return malformed("a part does not end with the boundary");
    part.content = body.substr(0, end);
    body.remove_prefix(end + closing.size());
    if (!names.insert(part.name).second) return malformed("two parts have the same name");
    parts.push_back(std::move(part));
  }
  body.remove_prefix(2);
  if (body.find_first_not_of(" \t\r\n") != std::string_view::npos) return malformed("something follows its end");
  return parts;
}

}  // namespace starling::api::videos
