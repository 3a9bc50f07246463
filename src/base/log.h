#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace starling::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kSilent };
enum class LogFormat : std::uint8_t { kText, kJson };

struct LogField {
  std::string_view key;  // a plain word
  std::string value;
};

// What log() shows: messages at or above level. Before any call: warnings and errors, as text.
void set_log(LogLevel level, LogFormat format);

// One line on standard error, whatever the message and values contain. Thread safe.
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The line itself, without a newline. seconds: Unix time.
// Text: `2026-11-22T03:36:00Z warning message key=value other="with spaces"`. JSON: an object of strings with the
// keys time, level and message beside the fields.
std::string format_log_line(LogFormat format, std::int64_t seconds, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields);

}  // namespace starling::base
