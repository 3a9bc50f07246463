#include "train/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "train/checkpoint.h"
#include "train/run_log.h"
#include "train/step.h"
#include "train/step_roots.h"
#include "train/training_receipt.h"
#include "video/picture.h"
#include "video/plot.h"

namespace starling::train {
namespace {

using Clock = std::chrono::steady_clock;
using Batches = std::vector<Batch>;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Keeps two processes from training in one folder. The system lets go of it when the process ends, however it ends.
class FolderLock {
 public:
  static base::Result<FolderLock> take(const std::filesystem::path& folder) {
    STARLING_TRY(base::make_directories(folder));
    const std::filesystem::path path = folder / "lock";
    FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.descriptor_ < 0) return base::system_error("open", path, errno);
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return base::invalid("another process trains in '" + folder.string() + "'; wait for it or name another folder");
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Sums of what was reported since the last line of the log.
struct Window {
  double loss = 0.0;
  double gradient_norm = 0.0;
  std::uint64_t steps = 0;
  Clock::time_point start = Clock::now();
};

class Run {
 public:
  Run(exact::Engine& engine, const Recipe& recipe, Objective& objective, const RunOptions& options)
      : engine_(engine),
        recipe_(recipe),
        objective_(objective),
        options_(options),
        gradients_(static_cast<std::uint64_t>(recipe.gradients)),
        pool_(engine.threads()) {}

  base::Result<RunSummary> go() {
    STARLING_TRY(validate(recipe_));
    STARLING_ASSIGN(const FolderLock lock, FolderLock::take(options_.folder));
    STARLING_ASSIGN(const Loss loss, objective_.loss());
    STARLING_TRY(begin(loss));
    STARLING_ASSIGN(Step step, Step::make(loss, recipe_.optimizer, static_cast<int>(gradients_)));
    summary_.work_per_step = step.work();
    for (const models::Parameter& parameter : loss.parameters) {
      summary_.parameters += static_cast<std::uint64_t>(parameter.shape.elements());
    }
    STARLING_ASSIGN(RunLog log, RunLog::open(options_.folder, state_.step));
    log_ = std::move(log);
    STARLING_ASSIGN(StepRootsLog roots,
                    StepRootsLog::open(options_.folder, state_.step, tensors_root(state_.values, &pool_)));
    roots_.emplace(std::move(roots));
    earlier_seconds_ = log_->seconds();
    first_step_ = state_.step;
    start_ = last_checkpoint_ = last_picture_ = Clock::now();
    base::Progress progress("training", recipe_.schedule.steps, "step", options_.progress);
    progress.start_from(state_.step);
    const base::Status trained = loop(step, progress);
    if (!trained.ok() && trained.error().code != base::ErrorCode::kCancelled) return trained.error();
    STARLING_TRY(keep());
    STARLING_TRY(objective_.save_model(engine_, averaged_weights(state_), options_.folder));
    STARLING_TRY(write_training_receipt(options_.folder, recipe_, state_, &pool_));
    if (trained.ok() && state_.step == recipe_.schedule.steps) {
      STARLING_TRY(measure());
      STARLING_TRY(draw());
      char detail[64];
      std::snprintf(detail, sizeof(detail), "%.1f samples/s, loss %.4f", samples_per_second(),
                    summary_.loss.value_or(0.0));
      progress.finish(detail);
    }
    summary_.steps = state_.step;
    summary_.finished = state_.step == recipe_.schedule.steps;
    summary_.seconds = since(start_);
    summary_.samples_per_second = samples_per_second();
    return summary_;
  }

 private:
  // A fresh state, or the newest checkpoint's.
  base::Status begin(const Loss& loss) {
    STARLING_ASSIGN(std::optional<Checkpoint> found, load_newest_checkpoint(options_.folder, loss.parameters));
    if (found && !options_.resume) {
      return base::invalid("the folder '" + options_.folder.string() + "' holds a run of " +
                           std::to_string(found->state.step) +
                           " steps; add --resume to go on with it, or name another folder");
    }
    if (found) {
      STARLING_TRY(may_resume(found->recipe, recipe_, found->state.step));
      state_ = std::move(found->state);
    } else {
      STARLING_ASSIGN(state_, initial_state(engine_, loss.parameters, recipe_.seed, loss.start));
    }
    return base::write_file(options_.folder / "recipe.json", base::as_bytes(write_recipe(recipe_)));
  }

  // kCancelled when the time is up or the process was interrupted.
  base::Status check_end() const {
    if (options_.minutes > 0.0 && since(start_) > 60.0 * options_.minutes) return base::cancelled("the time is up");
    return base::check_interrupt();
  }

  base::Status prepare(std::uint64_t step) {
    return objective_.prepare(engine_, step * gradients_ + gradients_ - 1, [this] { return check_end(); });
  }

  base::Status loop(Step& step, base::Progress& progress) {
    if (state_.step >= recipe_.schedule.steps) return {};
    STARLING_TRY(prepare(state_.step));
    STARLING_ASSIGN(Batches batches, step_batches(objective_, state_.step, gradients_));
    while (state_.step < recipe_.schedule.steps) {
      STARLING_TRY(check_end());
      // The next step's data are made while this one is computed.
      const std::uint64_t next = state_.step + 1;
      std::future<base::Result<Batches>> ahead;
      if (next < recipe_.schedule.steps) {
        STARLING_TRY(prepare(next));
        ahead = std::async(std::launch::async, [this, next] { return step_batches(objective_, next, gradients_); });
      }
      STARLING_ASSIGN(const StepReport report,
                      step.run(engine_, state_, batches, learning_rate(recipe_.schedule, state_.step),
                               average_decay(recipe_.average_decay, state_.step)));
      if (ahead.valid()) {
        STARLING_ASSIGN(batches, ahead.get());
      }
      STARLING_TRY(after_step(report, progress));
    }
    return {};
  }

  // A checkpoint, which the list of roots must reach.
  base::Status keep() {
    STARLING_TRY(roots_->sync());
    return save_checkpoint(options_.folder, recipe_, state_, options_.keep_every);
  }

  base::Status after_step(const StepReport& report, base::Progress& progress) {
    STARLING_TRY(roots_->add(tensors_root(state_.values, &pool_)));
    window_.loss += static_cast<double>(report.loss);
    window_.gradient_norm += static_cast<double>(report.gradient_norm);
    ++window_.steps;
    const auto loss = static_cast<double>(report.loss);
    summary_.loss = 0.98 * summary_.loss.value_or(loss) + 0.02 * loss;
    char detail[128];
    std::snprintf(detail, sizeof(detail), "%.1f samples/s, loss %.4f, rate %.2g, gradient %.3f", samples_per_second(),
                  *summary_.loss, static_cast<double>(learning_rate(recipe_.schedule, state_.step - 1)),
                  static_cast<double>(report.gradient_norm));
    progress.update(state_.step, detail);
    if (state_.step % options_.log_steps == 0) STARLING_TRY(write_window());
    if (state_.step % options_.validation_steps == 0 && state_.step < recipe_.schedule.steps) STARLING_TRY(measure());
    const bool kept = options_.keep_every != 0 && state_.step % options_.keep_every == 0;
    if (kept || since(last_checkpoint_) > options_.checkpoint_seconds) {
      STARLING_TRY(keep());
      last_checkpoint_ = Clock::now();
    }
    if (since(last_picture_) > options_.picture_seconds) {
      STARLING_TRY(draw());
      STARLING_TRY(objective_.save_model(engine_, averaged_weights(state_), options_.folder));
      last_picture_ = Clock::now();
    }
    return {};
  }

  base::Status write_window() {
    const auto steps = static_cast<double>(window_.steps);
    const double samples = steps * static_cast<double>(recipe_.batch * recipe_.gradients);
    base::Status added =
        log_->add({.step = state_.step,
                   .seconds = earlier_seconds_ + since(start_),
                   .numbers = {{"loss", window_.loss / steps},
                               {"gradient_norm", window_.gradient_norm / steps},
                               {"learning_rate", static_cast<double>(learning_rate(recipe_.schedule, state_.step - 1))},
                               {"samples_per_second", samples / since(window_.start)}}});
    window_ = {};
    return added;
  }

  base::Status measure() {
    STARLING_ASSIGN(summary_.validation, objective_.validate(engine_, averaged_weights(state_)));
    return log_->add(
        {.step = state_.step, .seconds = earlier_seconds_ + since(start_), .numbers = summary_.validation});
  }

  // loss.png, and what the objective shows.
  base::Status draw() {
    std::vector<video::PlotSeries> series{{"training", log_->series("loss")}};
    for (const Metric& metric : summary_.validation) {
      if (metric.first.ends_with("loss")) series.push_back({metric.first, log_->series(metric.first)});
    }
    STARLING_ASSIGN(const video::Picture plot,
                    video::line_plot(series, {.title = "Loss", .x_label = "step", .logarithmic_y = true}));
    STARLING_TRY(video::write_png(options_.folder / "loss.png", plot));
    return objective_.draw(engine_, averaged_weights(state_), options_.folder);
  }

  double samples_per_second() const {
    const auto samples =
        static_cast<double>((state_.step - first_step_) * gradients_) * static_cast<double>(recipe_.batch);
    return samples / std::max(since(start_), 1e-9);
  }

  exact::Engine& engine_;
  const Recipe& recipe_;
  Objective& objective_;
  const RunOptions& options_;
  std::uint64_t gradients_;
  base::ThreadPool pool_;  // hashes
  TrainingState state_;
  std::optional<RunLog> log_;
  std::optional<StepRootsLog> roots_;
  RunSummary summary_;
  Window window_;
  std::uint64_t first_step_ = 0;
  double earlier_seconds_ = 0.0;
  Clock::time_point start_;
  Clock::time_point last_checkpoint_;
  Clock::time_point last_picture_;
};

}  // namespace

base::Result<RunSummary> run_training(exact::Engine& engine, const Recipe& recipe, Objective& objective,
                                      const RunOptions& options) {
  return Run(engine, recipe, objective, options).go();
}

}  // namespace starling::train
