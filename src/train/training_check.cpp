#include "train/training_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/step.h"
#include "train/step_roots.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;
using proof::Difference;

// Steps that can be made again from a state: numbers of updates, first to last.
struct Reach {
  std::uint64_t start = 0;  // updates made in the state
  std::uint64_t last = 0;   // at least start
};

struct List {
  std::optional<Difference> difference;
  StepRoots roots;
};

base::Result<List> list_of(const TrainingReceipt& receipt, const fs::path& folder) {
  const fs::path path = folder / kStepRootsName;
  const base::Result<base::MappedFile> file = base::MappedFile::open(path);
  if (!file.ok() && file.error().code == base::ErrorCode::kNotFound) {
    return base::not_found("the list of step roots is not there: '" + path.string() +
                           "' belongs beside the receipt, so put there what the run left of that name");
  }
  if (!file.ok()) return file.error();
  List list;
  if (base::sha256(file->bytes()) != receipt.step_roots) {
    list.difference = Difference{"the list '" + path.string() + "' is not the one that the receipt is of"};
    return list;
  }
  STARLING_ASSIGN(list.roots, decode_step_roots(file->bytes()));
  if (list.roots.first != receipt.first || list.roots.last() != receipt.steps) {
    list.difference = Difference{"the list of step roots has another number of steps than the receipt"};
  }
  return list;
}

class Check {
 public:
  Check(exact::Engine& engine, const TrainingReceipt& receipt, Objective& objective, const fs::path& scratch,
        const TrainingCheckOptions& options)
      : engine_(engine),
        receipt_(receipt),
        objective_(objective),
        scratch_(scratch),
        options_(options),
        checkpoints_(options.checkpoints.empty() ? options.folder : options.checkpoints),
        pool_(engine.threads()) {}

  base::Result<TrainingCheckResult> go() {
    STARLING_TRY(read_list());
    if (result_.difference) return result_;
    STARLING_ASSIGN(const Loss loss, objective_.loss());
    loss_ = &loss;
    STARLING_ASSIGN(Step step,
                    Step::make(loss, receipt_.recipe.optimizer, static_cast<int>(receipt_.recipe.gradients)));
    STARLING_ASSIGN(const std::vector<Reach> reaches, find_reaches());
    const std::map<std::uint64_t, std::uint64_t> wanted = draw(reaches);
    for (const auto& run : wanted) total_ += run.second - run.first;
    for (const auto& run : wanted) {
      STARLING_TRY(make_again(step, run.first, run.second));
      if (result_.difference) return result_;
    }
    STARLING_TRY(check_model());
    return result_;
  }

 private:
  base::Status read_list() {
    STARLING_ASSIGN(List list, list_of(receipt_, options_.folder));
    result_.difference = std::move(list.difference);
    roots_ = std::move(list.roots);
    return {};
  }

  base::Result<std::vector<Reach>> find_reaches() {
    STARLING_ASSIGN(std::vector<std::uint64_t> starts, checkpoint_steps(checkpoints_));
    if (roots_.first == 0) starts.insert(starts.begin(), 0);
    std::erase_if(starts, [&](std::uint64_t start) { return start < roots_.first || start > roots_.last(); });
    std::vector<Reach> reaches;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::uint64_t end = i + 1 < starts.size() ? starts[i + 1] : roots_.last();
      reaches.push_back({starts[i], std::min(end, starts[i] + options_.within)});
      result_.reachable += reaches.back().last - reaches.back().start;
    }
    if (result_.reachable == 0) {
      return base::not_found("no step can be made again: '" + checkpoints_.string() +
                             "' has no checkpoint before the last step, and the list of step roots begins at step " +
                             std::to_string(roots_.first) + "; name a folder that has one with --checkpoints");
    }
    return reaches;
  }

  // For each start from which steps are made again: the last of them.
  std::map<std::uint64_t, std::uint64_t> draw(const std::vector<Reach>& reaches) {
    std::set<std::uint64_t> places;
    const std::uint64_t count = std::min(options_.steps, result_.reachable);
    if (count == result_.reachable) {
      for (std::uint64_t i = 0; i < count; ++i) places.insert(i);
    }
    while (places.size() < count) places.insert(options_.random() % result_.reachable);
    result_.drawn = count;
    std::map<std::uint64_t, std::uint64_t> runs;
    for (std::uint64_t place : places) {
      for (const Reach& reach : reaches) {
        const std::uint64_t steps = reach.last - reach.start;
        if (place < steps) {
          runs[reach.start] = reach.start + place + 1;  // places ascend
          break;
        }
        place -= steps;
      }
    }
    return runs;
  }

  // The state after `start` updates, if it is one that the run went through.
  base::Result<TrainingState> state_at(std::uint64_t start) {
    TrainingState state;
    STARLING_ASSIGN(const std::vector<std::uint64_t> kept, checkpoint_steps(checkpoints_));
    if (start == 0 && !std::ranges::binary_search(kept, start)) {
      STARLING_ASSIGN(state, initial_state(engine_, loss_->parameters, receipt_.recipe.seed, loss_->start));
    } else {
      STARLING_ASSIGN(Checkpoint checkpoint, load_checkpoint(checkpoints_, start));
      state = std::move(checkpoint.state);
      const std::vector<models::Parameter>& wanted = loss_->parameters;
      const bool same = std::ranges::equal(state.parameters, wanted, [](const auto& a, const auto& b) {
        return a.name == b.name && a.shape == b.shape;
      });
      if (!same) {
        result_.difference = Difference{"the checkpoint of step " + std::to_string(start) + " has other parameters"};
        return state;
      }
    }
    if (!roots_.has(start, tensors_root(state.values, &pool_))) {
      result_.difference =
          Difference{(start == 0 ? std::string("the start") : "the checkpoint of step " + std::to_string(start)) +
                     " is not a state that the run went through"};
    }
    return state;
  }

  base::Status make_again(Step& step, std::uint64_t start, std::uint64_t last) {
    STARLING_ASSIGN(TrainingState state, state_at(start));
    const auto gradients = static_cast<std::uint64_t>(receipt_.recipe.gradients);
    while (!result_.difference && state.step < last) {
      if (options_.stop) STARLING_TRY(options_.stop());
      STARLING_TRY(objective_.prepare(engine_, state.step * gradients + gradients - 1, options_.stop));
      STARLING_ASSIGN(const std::vector<Batch> batches, step_batches(objective_, state.step, gradients));
      STARLING_TRY(step.run(engine_, state, batches, learning_rate(receipt_.recipe.schedule, state.step),
                            average_decay(receipt_.recipe.average_decay, state.step)));
      ++result_.made;
      if (options_.progress) options_.progress(result_.made, total_);
      if (!roots_.has(state.step, tensors_root(state.values, &pool_))) {
        result_.difference = Difference{"step " + std::to_string(state.step) +
                                        " does not give the parameters that the run had after it"};
      }
    }
    return {};
  }

  // The files, from the last state.
  base::Status check_model() {
    STARLING_ASSIGN(const std::vector<std::uint64_t> kept, checkpoint_steps(checkpoints_));
    if (kept.empty() || kept.back() != receipt_.steps) return {};
    STARLING_ASSIGN(const TrainingState state, state_at(receipt_.steps));
    if (!result_.difference && tensors_root(state.averages, &pool_) != receipt_.averages) {
      result_.difference = Difference{"the last checkpoint's averages are not those of the receipt"};
    }
    if (result_.difference) return {};
    STARLING_TRY(objective_.save_model(engine_, averaged_weights(state), scratch_));
    STARLING_ASSIGN(const auto files, model_files(receipt_.recipe.part, scratch_));
    result_.model = true;
    for (const auto& file : receipt_.files) {
      const auto made = files.find(file.first);
      if (made == files.end() || made->second != file.second) {
        result_.difference = Difference{"the run's last state gives another " + file.first + " than the receipt's"};
        return {};
      }
    }
    return {};
  }

  exact::Engine& engine_;
  const TrainingReceipt& receipt_;
  Objective& objective_;
  const fs::path& scratch_;
  const TrainingCheckOptions& options_;
  const fs::path checkpoints_;
  base::ThreadPool pool_;
  const Loss* loss_ = nullptr;
  StepRoots roots_;
  std::uint64_t total_ = 0;
  TrainingCheckResult result_;
};

}  // namespace

base::Result<std::optional<Difference>> check_step_list(const TrainingReceipt& receipt, const fs::path& folder) {
  STARLING_ASSIGN(List list, list_of(receipt, folder));
  return std::move(list.difference);
}

base::Result<TrainingCheckResult> check_training(exact::Engine& engine, const TrainingReceipt& receipt,
                                                 Objective& objective, const fs::path& scratch,
                                                 const TrainingCheckOptions& options) {
  return Check(engine, receipt, objective, scratch, options).go();
}

}  // namespace starling::train
