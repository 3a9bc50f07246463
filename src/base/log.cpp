#include "base/log.h"

#include <array>
#include <atomic>
#include <chrono>

#include "base/json.h"
#include "base/terminal.h"
#include "base/wall_clock.h"

namespace starling::base {
namespace {

std::atomic<LogLevel> shown_level = LogLevel::kWarning;
std::atomic<LogFormat> shown_format = LogFormat::kText;

const char* level_name(LogLevel level) {
  constexpr std::array<const char*, 5> kNames = {"debug", "info", "warning", "error", "silent"};
  return kNames.at(static_cast<std::size_t>(level));
}

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

// Values that could be misread are quoted as JSON strings, which also keeps them on one line.
std::string field_text(std::string_view value) { return is_plain(value) ? std::string(value) : Json(value).to_text(); }

bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return true;
  }
  return false;
}

}  // namespace

void set_log(LogLevel level, LogFormat format) {
  shown_level = level;
  shown_format = format;
}

std::string format_log_line(LogFormat format, std::int64_t seconds, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
  if (format == LogFormat::kJson) {
    Json line = Json::empty_object();
    for (const LogField& field : fields) line.set(field.key, field.value);
    line.set("time", utc_text(seconds));
    line.set("level", level_name(level));
    line.set("message", message);
    return line.to_text();
  }
  std::string line = utc_text(seconds) + " " + level_name(level) + " ";
  line += has_control(message) ? Json(message).to_text() : std::string(message);
  for (const LogField& field : fields) line.append(" ").append(field.key).append("=").append(field_text(field.value));
  return line;
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < shown_level.load() || level == LogLevel::kSilent) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  write_line(format_log_line(shown_format.load(), seconds, level, message, fields));
}

}  // namespace starling::base
