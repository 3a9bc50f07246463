#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/objective.h"

namespace starling::train {

// One line of log.jsonl: {"step", "seconds", and numbers under their names}.
struct LogLine {
  std::uint64_t step = 0;  // updates made
  double seconds = 0.0;    // of training, all sittings together
  std::vector<Metric> numbers;
};

// The log of a run, log.jsonl in its folder: one JSON object a line, in the order of steps. Append only, but that
// opening it for a run at `step` drops lines of later steps, which will be made again.
class RunLog {
 public:
  static base::Result<RunLog> open(const std::filesystem::path& folder, std::uint64_t step);

  base::Status add(LogLine line);
  const std::vector<LogLine>& lines() const { return lines_; }
  // Of the last line.
  double seconds() const { return lines_.empty() ? 0.0 : lines_.back().seconds; }
  // (step, number) of every line that has that number.
  std::vector<std::pair<double, double>> series(const std::string& name) const;

 private:
  std::filesystem::path path_;
  std::vector<LogLine> lines_;
};

}  // namespace starling::train
