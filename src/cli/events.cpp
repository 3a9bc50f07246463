#include "cli/events.h"

#include <array>
#include <charconv>
#include <ctime>

#include "cli/credits.h"

namespace starling::cli {
namespace {

bool is_money(const std::string& name) {
  for (const char* money : {"motes", "paid", "royalty", "returned", "penalty", "rate", "price"}) {
    if (name == money) return true;
  }
  return false;
}

std::string member(const base::Json& json, const char* key) {
  const base::Result<std::string> text = json.text(key);
  return text.ok() ? *text : std::string();
}

std::string value_text(const base::JsonMember& member) {
  const base::Result<std::string> text = member.value.as_text();
  if (!text.ok()) return member.value.to_text();
  std::uint64_t motes = 0;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), motes);
  const bool number = end.ec == std::errc() && end.ptr == text->data() + text->size();
  return number && is_money(member.key) ? show_credits(motes) + " credits" : *text;
}

}  // namespace

std::string local_time(const std::string& milliseconds) {
  std::int64_t value = 0;
  const auto end = std::from_chars(milliseconds.data(), milliseconds.data() + milliseconds.size(), value);
  constexpr std::int64_t kPerSecond = 1000;
  const std::time_t seconds = value / kPerSecond;
  std::tm parts{};
  if (end.ec != std::errc() || ::localtime_r(&seconds, &parts) == nullptr) return milliseconds;
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string event_lines(const base::Json& entry) {
  const std::string when = local_time(member(entry, "time")) + "  block " + member(entry, "height") + "  ";
  std::string lines;
  const auto add = [&](const std::string& line) { lines += (lines.empty() ? "" : "\n") + when + line; };
  if (entry.has("fault")) {
    add(member(entry, "message") + " was refused: " + member(entry, "fault") + ", fee " +
        value_text({"paid", entry.find("fee") != nullptr ? *entry.find("fee") : base::Json("0")}));
  }
  const base::Json* const events = entry.find("events");
  if (events == nullptr) return lines;
  for (const base::Json& event : events->elements()) {
    std::string line = member(event, "event");
    for (const base::JsonMember& attribute : event.members()) {
      if (attribute.key != "event") line += "  " + attribute.key + " " + value_text(attribute);
    }
    add(line);
  }
  return lines;
}

}  // namespace starling::cli
