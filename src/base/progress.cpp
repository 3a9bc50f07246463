#include "base/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

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

std::string bar_text(double fraction) {
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(fraction * kWidth);
  std::string text = "[";
  for (int i = 0; i < kWidth; ++i) text += i < filled ? '#' : '.';
  return text + "]";
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
  std::string text(state.label);
  const double fraction =
      state.total == 0 ? 0.0 : std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
  if (bar && state.total > 0) text += " " + bar_text(fraction);
  text += " " + std::to_string(state.done);
  if (state.total > 0) text += "/" + std::to_string(state.total);
  if (state.done > state.earlier && state.seconds > 0.0) {
    const double rate = static_cast<double>(state.done - state.earlier) / state.seconds;
    if (!state.unit.empty()) text += ", " + rate_text(rate, state.unit);
    if (state.total > state.done) {
      text += ", " + format_duration(static_cast<double>(state.total - state.done) / rate) + " left";
    }
  }
  if (!state.detail.empty()) text.append(", ").append(state.detail);
  if (columns > 0) text = utf8_prefix(text, static_cast<std::size_t>(columns));
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

void Progress::finish() {
  if (quiet_) return;
  if (bar_) draw_status_line({});
  const ProgressState state{label_, unit_, {}, done_, total_, seconds(Clock::now()), earlier_};
  write_line(format_progress(state, 0, false) + ", took " + format_duration(state.seconds));
  quiet_ = true;
  bar_ = false;
}

}  // namespace starling::base
