#include "base/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/terminal.h"
#include "base/utf8.h"

namespace starling::base {
namespace {

constexpr auto kBarPeriod = std::chrono::milliseconds(100);
constexpr auto kLinePeriod = std::chrono::seconds(10);

std::string fixed(double value, int digits) {
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), std::min(static_cast<std::size_t>(size), text.size() - 1)};
}

std::string rate_text(double rate, std::string_view unit) {
  // A slow rate reads better as the time of one.
  if (rate < 0.5) return fixed(1.0 / rate, 1) + " s/" + std::string(unit);
  return fixed(rate, rate < 10.0 ? 1 : 0) + " " + std::string(unit) + "s/s";
}

constexpr int kWidestBar = 24;
constexpr int kNarrowestBar = 8;

std::string bar_text(double fraction, int width) {
  const int filled = static_cast<int>(fraction * width);
  std::string text = "[";
  for (int i = 0; i < width; ++i) text += i < filled ? '#' : '.';
  return text + "]";
}

// A part of the line, and when it gives way: the last of the order first.
struct Fact {
  std::string text;
  int order;
  bool shown = false;
};

std::vector<Fact> facts_of(const ProgressState& state) {
  std::vector<Fact> facts;
  if (state.done > state.earlier && state.seconds > 0.0) {
    const double rate = static_cast<double>(state.done - state.earlier) / state.seconds;
    if (!state.unit.empty()) facts.push_back({rate_text(rate, state.unit), 3});
    if (state.total > state.done) {
      facts.push_back({format_duration(static_cast<double>(state.total - state.done) / rate) + " left", 0});
    }
  }
  int order = 1;
  for (std::string_view rest = state.detail; !rest.empty();) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    facts.push_back({std::string(rest.substr(0, end)), order});
    order += order == 2 ? 2 : 1;  // the rate comes after two details
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return facts;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  const auto padded = [](std::uint64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + padded(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + padded(whole % 3600 / 60) + " min";
}

std::string format_progress(const ProgressState& state, int columns, bool bar) {
  const std::size_t room = columns > 0 ? static_cast<std::size_t>(columns) : std::string::npos;
  std::string count = " " + std::to_string(state.done);
  if (state.total > 0) count += "/" + std::to_string(state.total);
  std::size_t taken = state.label.size() + count.size();
  std::vector<Fact> facts = facts_of(state);
  for (int order = 0; order <= static_cast<int>(facts.size()) + 1; ++order) {
    for (Fact& fact : facts) {
      const std::size_t size = 2 + fact.text.size();
      if (fact.order != order || taken + size > room) continue;
      fact.shown = true;
      taken += size;
    }
  }
  std::string text(state.label);
  constexpr std::size_t kFrame = 3;  // a space and two brackets
  if (bar && state.total > 0 && taken + kFrame + kNarrowestBar <= room) {
    const double fraction = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
    text += " " + bar_text(fraction, static_cast<int>(std::min<std::size_t>(kWidestBar, room - taken - kFrame)));
  }
  text += count;
  for (const Fact& fact : facts) {
    if (fact.shown) text += ", " + fact.text;
  }
  if (columns > 0) text = utf8_prefix(text, room);
  return text;
}

Progress::Progress(std::string label, std::uint64_t total, std::string unit, ProgressMode mode)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(mode == ProgressMode::kQuiet),
      bar_(!quiet_ && stderr_is_terminal()),
      start_(Clock::now()),
      next_draw_(bar_ ? start_ : start_ + kLinePeriod) {}

Progress::~Progress() {
  if (bar_) draw_status_line({});
}

double Progress::seconds(Clock::time_point now) const { return std::chrono::duration<double>(now - start_).count(); }

void Progress::update(std::uint64_t done, std::string_view detail) {
  done_ = done;
  if (quiet_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_draw_) return;
  const ProgressState state{label_, unit_, detail, done, total_, seconds(now), earlier_};
  if (bar_) {
    draw_status_line(format_progress(state, stderr_columns() - 1, true));
    next_draw_ = now + kBarPeriod;
  } else {
    write_line(format_progress(state, 0, false));
    next_draw_ = now + kLinePeriod;
  }
}

void Progress::finish(std::string_view detail) {
  if (quiet_) return;
  if (bar_) draw_status_line({});
  const ProgressState state{label_, unit_, detail, done_, total_, seconds(Clock::now()), earlier_};
  write_line(format_progress(state, 0, false) + ", took " + format_duration(state.seconds));
  quiet_ = true;
  bar_ = false;
}

}  // namespace starling::base
