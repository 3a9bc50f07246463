#include "train/run_log.h"

#include <fstream>

#include "base/file.h"
#include "base/json.h"

namespace starling::train {
namespace {

constexpr std::uint64_t kMaxLog = std::uint64_t{256} << 20;

std::string to_text(const LogLine& line) {
  base::Json json = base::Json::empty_object();
  json.set("step", line.step);
  json.set("seconds", line.seconds);
  for (const Metric& number : line.numbers) json.set(number.first, number.second);
  return json.to_text() + "\n";
}

base::Result<LogLine> parse_line(std::string_view text) {
  STARLING_ASSIGN(const base::Json json, base::Json::parse(text, "a line of the log"));
  LogLine line;
  STARLING_ASSIGN(line.step, json.u64("step"));
  STARLING_ASSIGN(line.seconds, json.number("seconds"));
  for (const base::JsonMember& member : json.members()) {
    if (member.key == "step" || member.key == "seconds") continue;
    STARLING_ASSIGN(const double number, member.value.as_number());
    line.numbers.emplace_back(member.key, number);
  }
  return line;
}

}  // namespace

base::Result<RunLog> RunLog::open(const std::filesystem::path& folder, std::uint64_t step) {
  RunLog log;
  log.path_ = folder / "log.jsonl";
  std::string kept;
  if (std::filesystem::exists(log.path_)) {
    STARLING_ASSIGN(const base::Bytes bytes, base::read_file(log.path_, kMaxLog));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string_view::npos) break;  // cut short when the run was killed
      base::Result<LogLine> line = parse_line(text.substr(at, end - at));
      if (!line.ok()) {
        return base::corrupt("the log '" + log.path_.string() + "' cannot be read: " + line.error().message +
                             "; remove it to go on without its history");
      }
      at = end + 1;
      if (line->step > step) continue;
      kept += to_text(*line);
      log.lines_.push_back(std::move(*line));
    }
  }
  STARLING_TRY(base::write_file(log.path_, base::as_bytes(kept)));
  return log;
}

base::Status RunLog::add(LogLine line) {
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file << to_text(line);
  file.close();
  if (!file) return base::io_error("cannot write the log '" + path_.string() + "'; is the disk full?");
  lines_.push_back(std::move(line));
  return {};
}

std::vector<std::pair<double, double>> RunLog::series(const std::string& name) const {
  std::vector<std::pair<double, double>> points;
  for (const LogLine& line : lines_) {
    for (const Metric& number : line.numbers) {
      if (number.first == name) points.emplace_back(static_cast<double>(line.step), number.second);
    }
  }
  return points;
}

}  // namespace starling::train
