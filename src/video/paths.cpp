#include "video/paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/file.h"

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

PartialPath::PartialPath(fs::path target, base::TemporaryKind kind) : target_(std::move(target)) {
  static std::atomic<unsigned> counter{0};
  const std::string name =
      target_.has_filename() ? target_.filename().native() : target_.parent_path().filename().native();
  const fs::path folder = target_.has_filename() ? target_.parent_path() : target_.parent_path().parent_path();
  // A long name is cut, so that the longest name a file system takes can still be written.
  std::string hidden(1, '.');
  hidden += name.substr(0, 200) + ".partial-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  path_ = folder / hidden;
  name_ = base::TemporaryName(path_, kind);
}

PartialPath::~PartialPath() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

base::Status PartialPath::publish() {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int number = errno;
  if (file >= 0) ::close(file);
  if (!synced) return base::system_error("write", target_, number);
  if (::rename(path_.c_str(), target_.c_str()) != 0) return base::system_error("write", target_, errno);
  return {};
}

}  // namespace starling::video
