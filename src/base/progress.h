#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace starling::base {

enum class ProgressMode : std::uint8_t {
  kAuto,   // a bar that is redrawn when standard error is a terminal, otherwise now and then a plain line
  kQuiet,  // nothing
};

// What is known of a job at one moment.
struct ProgressState {
  std::string_view label;
  std::string_view unit;  // "step" gives "4.2 steps/s"; empty: no rate
  std::string_view detail;
  std::uint64_t done = 0;
  std::uint64_t total = 0;    // 0: unknown
  double seconds = 0.0;       // since the start
  std::uint64_t earlier = 0;  // of done: what was there at the start and says nothing of the rate
};

// One line of plain text of at most columns characters (if columns > 0). detail holds facts with ", " between them, the
// weightiest first. What has no room gives way whole: first the bar, which there is if bar is set and total is known,
// then the third detail and those after it, the rate, the second detail, the first, the time left.
std::string format_progress(const ProgressState& state, int columns, bool bar);
// "45 s", "3 min 05 s", "2 h 04 min".
std::string format_duration(double seconds);

// Shows how far a long job is: step, rate and time left. Destroying it removes the bar. Not thread safe.
class Progress {
 public:
  Progress(std::string label, std::uint64_t total, std::string unit, ProgressMode mode = ProgressMode::kAuto);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Of `total`, so much was done before: a job that is resumed.
  void start_from(std::uint64_t done) { earlier_ = done; }
  // Cheap to call often: at most ten times a second something is drawn. detail is shown at the end, such as a loss.
  void update(std::uint64_t done, std::string_view detail = {});
  // Leaves one line that says what was done in which time.
  void finish(std::string_view detail = {});

 private:
  using Clock = std::chrono::steady_clock;
  double seconds(Clock::time_point now) const;
  std::string label_;
  std::string unit_;
  std::uint64_t total_;
  bool quiet_;
  bool bar_;
  Clock::time_point start_;
  Clock::time_point next_draw_;
  std::uint64_t done_ = 0;
  std::uint64_t earlier_ = 0;
};

}  // namespace starling::base
