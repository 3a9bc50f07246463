#include "jobs/pace.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/log.h"
#include "exact/engine.h"
#include "generate/benchmark.h"
#include "generate/nearest.h"
#include "node/part_input.h"

namespace starling::jobs {
namespace {

constexpr double kGuessShare = 0.125;     // of the speed of products alone that a video is made at, at the least
constexpr double kMostTime = 900.0;       // seconds; what was before counts for less and less
constexpr double kLeastTime = 0.2;        // of a video whose speed says anything
constexpr double kRoom = 0.8;             // of the bound, for what is named as near: speeds vary
constexpr std::size_t kMostKnown = 4096;  // programs
constexpr double kMilliseconds = 1000.0;

// What decides a program: neither texts nor pixels.
std::string program_key(const generate::TextToVideo& request) {
  generate::TextToVideo key = request;
  key.prompt.clear();
  key.negative.clear();
  key.seed = 0;
  if (key.given) key.given = base::Hash();
  return generate::to_json(key).to_text();
}

std::string duration_text(double seconds) {
  constexpr double kMinute = 60.0;
  constexpr double kHour = 3600.0;
  const auto count = [](double number, const char* unit) {
    const auto whole = std::max<std::int64_t>(std::llround(number), 1);
    return std::to_string(whole) + " " + unit + (whole == 1 ? "" : "s");
  };
  if (seconds < 2 * kMinute) return count(seconds, "second");
  if (seconds < 2 * kHour) return count(seconds / kMinute, "minute");
  return count(seconds / kHour, "hour");
}

std::string shape_text(const generate::TextToVideo& request) {
  std::array<char, 64> duration{};
  const double seconds = static_cast<double>(request.frames - 1) / request.rate.per_second();
  if (request.frames > 1) std::snprintf(duration.data(), duration.size(), "s (%.4g seconds)", seconds);
  return std::to_string(request.width) + "x" + std::to_string(request.height) + " with " +
         std::to_string(request.frames) + " frame" + duration.data();
}

// Multiply-adds a second of products alone.
base::Result<double> speed_of_products(int threads) {
  exact::EngineOptions options;
  options.threads = threads;
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(options));
  const auto began = std::chrono::steady_clock::now();
  STARLING_TRY(generate::run_benchmark(base::Hash(), engine));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  constexpr auto kSize = static_cast<double>(generate::kBenchmarkSize);
  return generate::kBenchmarkProducts * kSize * kSize * kSize / took.count();
}

}  // namespace

base::Result<std::unique_ptr<Pace>> Pace::open(Database& database, const PaceOptions& options) {
  std::unique_ptr<Pace> pace(new Pace(database, options));
  STARLING_TRY(pace->load());
  if (pace->work_ > 0 && pace->time_ > 0) return pace;
  STARLING_ASSIGN(const double speed, speed_of_products(options.threads));
  pace->guessed_ = true;
  pace->time_ = 1.0;
  pace->work_ = speed * kGuessShare;
  return pace;
}

base::Status Pace::load() {
  return database_.read([this](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement row, connection.prepare("SELECT work, milliseconds FROM paces WHERE model = ?"));
    STARLING_ASSIGN(const bool there, row.bind(1, options_.model_root.hex()).step());
    if (!there) return {};
    work_ = static_cast<double>(row.integer(0));
    time_ = static_cast<double>(row.integer(1)) / kMilliseconds;
    return {};
  });
}

bool Pace::fits(const generate::TextToVideo& request) const {
  if (options_.most_seconds == 0) return true;
  const std::string key = program_key(request);
  const std::lock_guard lock(mutex_);
  const auto found = works_.find(key);
  return found != works_.end() &&
         static_cast<double>(found->second) * time_ <= static_cast<double>(options_.most_seconds) * work_;
}

base::Result<std::uint64_t> Pace::work_of(const generate::TextToVideo& request) {
  const std::string key = program_key(request);
  {
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(key);
    if (found != works_.end()) return found->second;
  }
  STARLING_ASSIGN(const generate::TextToVideoProgram built,
                  generate::text_to_video_program(options_.model->config(), request));
  const std::uint64_t work = node::priced_work(built.program.work());
  const std::lock_guard lock(mutex_);
  if (works_.size() >= kMostKnown) works_.clear();
  works_[key] = work;
  return work;
}

base::Result<double> Pace::seconds(const generate::TextToVideo& request) {
  STARLING_ASSIGN(const std::uint64_t work, work_of(request));
  const std::lock_guard lock(mutex_);
  return static_cast<double>(work) * time_ / work_;
}

base::Status Pace::check(const generate::TextToVideo& request) {
  if (options_.most_seconds == 0) return {};
  const auto most = static_cast<double>(options_.most_seconds);
  STARLING_ASSIGN(const double needed, seconds(request));
  if (needed <= most) return {};
  const generate::Nearest near = generate::nearest_where(options_.model->config(), request,
                                                         [&](const generate::TextToVideo& other) -> base::Result<bool> {
                                                           STARLING_ASSIGN(const double its, seconds(other));
                                                           return its <= kRoom * most;
                                                         });
  std::string works;
  for (const auto& one : {near.size, near.duration}) {
    if (!one) continue;
    STARLING_ASSIGN(const double its, seconds(*one));
    works += (works.empty() ? ": it makes " : ", or ") + shape_text(*one) + " in about " + duration_text(its);
  }
  return base::limit_error("a video of " + shape_text(request) + " in " + std::to_string(request.steps) +
                           (request.steps == 1 ? " step" : " steps") + " would take this server about " +
                           duration_text(needed) + ", and one may take " + duration_text(most) +
                           (works.empty() ? ": ask for a smaller or shorter one, or for fewer steps" : works));
}

void Pace::note(const exact::Work& work, double seconds) {
  if (seconds < kLeastTime) return;
  std::int64_t whole_work = 0;
  std::int64_t milliseconds = 0;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(guessed_, false)) work_ = time_ = 0.0;
    work_ += static_cast<double>(node::priced_work(work));
    time_ += seconds;
    const double share = std::min(1.0, kMostTime / time_);
    work_ *= share;
    time_ *= share;
    whole_work = std::llround(work_);
    milliseconds = std::llround(time_ * kMilliseconds);
  }
  const base::Status written = database_.write([&](Connection& connection) -> base::Status {
    STARLING_ASSIGN(Statement note,
                    connection.prepare("INSERT INTO paces (model, work, milliseconds) VALUES (?1, ?2, ?3) ON CONFLICT "
                                       "(model) DO UPDATE SET work = ?2, milliseconds = ?3"));
    return note.bind(1, options_.model_root.hex()).bind(2, whole_work).bind(3, milliseconds).run();
  });
  if (!written.ok()) {
    base::log(base::LogLevel::kWarning, "how fast videos are made is not kept", {{"reason", written.error().message}});
  }
}

}  // namespace starling::jobs
