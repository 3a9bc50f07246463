#include "video/paths.h"

#include <charconv>

namespace starling::video {

namespace fs = std::filesystem;

std::string Pattern::name(int number) const {
  std::string text = std::to_string(number);
  if (static_cast<int>(text.size()) < digits) text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  return before + text + after;
}

std::optional<int> Pattern::number_of(std::string_view file_name) const {
  if (file_name.size() <= before.size() + after.size() || !file_name.starts_with(before) ||
      !file_name.ends_with(after)) {
    return {};
  }
  const std::string_view text = file_name.substr(before.size(), file_name.size() - before.size() - after.size());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || name(number) != file_name) return {};
  return number;
}

std::optional<Pattern> parse_pattern(std::string_view file_name) {
  const std::size_t percent = file_name.find('%');
  if (percent == std::string_view::npos || file_name.find('%', percent + 1) != std::string_view::npos) return {};
  std::string_view rest = file_name.substr(percent + 1);
  Pattern pattern{std::string(file_name.substr(0, percent)), 0, {}};
  if (rest.size() >= 3 && rest[0] == '0' && rest[1] >= '1' && rest[1] <= '9') {
    pattern.digits = rest[1] - '0';
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('d')) return {};
  pattern.after = rest.substr(1);
  return pattern;
}

std::optional<Sequence> parse_sequence(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!path.empty() && (!path.has_filename() || std::filesystem::is_directory(path, ignored))) {
    return Sequence{path.has_filename() ? path : path.parent_path(), {"frame-", 4, ".png"}};
  }
  if (auto pattern = parse_pattern(path.filename().native())) return Sequence{path.parent_path(), *pattern};
  return {};
}

std::string quoted(const fs::path& path) {
  std::string text(1, '"');
  text += path.native();
  text += '"';
  return text;
}

}  // namespace starling::video
