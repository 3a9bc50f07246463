#include "base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <string>

namespace starling::base {
namespace {

std::mutex mutex;
std::string& status_line() {
  static std::string line;
  return line;
}

// What cannot be written to standard error cannot be reported either, so errors end the attempt silently.
void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

constexpr std::string_view kClearLine = "\r\x1b[2K";

}  // namespace

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

int stderr_columns() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void write_line(std::string_view text) {
  const std::scoped_lock lock(mutex);
  std::string& status = status_line();
  std::string output;
  if (!status.empty()) output += kClearLine;
  output.append(text).append("\n").append(status);
  put(output);
}

void draw_status_line(std::string_view text) {
  const std::scoped_lock lock(mutex);
  std::string& status = status_line();
  if (status == text) return;
  status = text;
  put(std::string(kClearLine) + status);
}

std::string without_controls(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls are two bytes of UTF-8: C2 80 to C2 9F.
    const bool second_set = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                            static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (second_set) ++i;
    const bool control = byte < 0x20 || byte == 0x7f || second_set;
    safe += control ? '?' : text[i];
  }
  return safe;
}

std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

}  // namespace starling::base
