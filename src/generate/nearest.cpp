#include "generate/nearest.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace starling::generate {
namespace {

using Plan = std::function<base::Result<Need>(const TextToVideo&)>;

// Plans for each of the two answers: each takes as long as preparing such a video.
constexpr int kMostPlans = 4;
// What large videos take of their lower bound; only where the first search begins.
constexpr double kUsual = 3.0;
// Of the memory: who takes so much is near enough to what would just fit.
constexpr double kNear = 0.95;

// Candidates from the largest on; the largest that fits, or one near to it. A second search begins with what the first
// learnt.
class Search {
 public:
  Search(const models::ModelConfig& config, std::uint64_t memory, const Plan& plan)
      : config_(config), memory_(memory), plan_(plan) {}

  std::optional<TextToVideo> run(const std::vector<TextToVideo>& candidates) {
    std::size_t first = 0;  // those before do not fit
    std::optional<std::size_t> fitting;
    for (int i = 0; i < kMostPlans; ++i) {
      const std::size_t next = first_expected(candidates, first, fitting.value_or(candidates.size()));
      if (next == candidates.size() || next == fitting) break;
      const auto need = plan_(candidates[next]);
      if (!need.ok()) break;
      learn(candidates[next], *need);
      if (need->all <= memory_) {
        fitting = next;
        if (static_cast<double>(need->all) >= kNear * static_cast<double>(memory_)) break;
      } else {
        first = next + 1;
      }
    }
    if (!fitting) return std::nullopt;
    return candidates[*fitting];
  }

 private:
  // The first of [begin, end) that is expected to fit; end if none is.
  std::size_t first_expected(const std::vector<TextToVideo>& candidates, std::size_t begin, std::size_t end) const {
    const auto at = [&](std::size_t index) { return candidates.begin() + static_cast<std::ptrdiff_t>(index); };
    const auto found = std::partition_point(at(begin), at(end), [&](const TextToVideo& candidate) {
      const double run = ratio_ * static_cast<double>(least_memory(config_, candidate));
      return run + static_cast<double>(weights_) > static_cast<double>(memory_);
    });
    return static_cast<std::size_t>(found - candidates.begin());
  }

  void learn(const TextToVideo& candidate, const Need& need) {
    weights_ = need.weights;
    ratio_ = static_cast<double>(need.all - need.weights) / static_cast<double>(least_memory(config_, candidate));
  }

  const models::ModelConfig& config_;
  std::uint64_t memory_;
  const Plan& plan_;
  std::uint64_t weights_ = 0;
  double ratio_ = kUsual;
};

std::vector<TextToVideo> smaller(const models::ModelConfig& config, const TextToVideo& request) {
  const std::int64_t stride = size_stride(config);
  const std::int64_t shorter = std::min(request.width, request.height);
  const double shape = static_cast<double>(std::max(request.width, request.height)) / static_cast<double>(shorter);
  std::vector<TextToVideo> candidates;
  for (std::int64_t side = shorter - stride; side >= stride; side -= stride) {
    const std::int64_t strides = side / stride;
    const auto longer = static_cast<std::int64_t>(std::llround(shape * static_cast<double>(strides))) * stride;
    TextToVideo candidate = request;
    candidate.width = request.width < request.height ? side : longer;
    candidate.height = request.width < request.height ? longer : side;
    if (check_request(config, candidate).ok()) candidates.push_back(candidate);
  }
  return candidates;
}

// Frames that are given stay, and at least one stride is made.
std::vector<TextToVideo> briefer(const models::ModelConfig& config, const TextToVideo& request) {
  std::vector<TextToVideo> candidates;
  if (request.strength) return candidates;
  const std::int64_t stride = frame_stride(config);
  for (std::int64_t frames = request.frames - stride; frames > 0; frames -= stride) {
    TextToVideo candidate = request;
    candidate.frames = frames;
    if (!check_request(config, candidate).ok()) break;
    candidates.push_back(candidate);
  }
  return candidates;
}

// The first of which it holds; those before are larger.
std::optional<TextToVideo> first_where(const std::vector<TextToVideo>& candidates,
                                       const std::function<base::Result<bool>(const TextToVideo&)>& holds) {
  bool failed = false;
  const auto found = std::ranges::partition_point(candidates, [&](const TextToVideo& candidate) {
    const base::Result<bool> held = failed ? base::Result<bool>(false) : holds(candidate);
    failed = failed || !held.ok();
    return held.ok() && !*held;
  });
  if (failed || found == candidates.end()) return std::nullopt;
  return *found;
}

std::string size_of(const TextToVideo& request) {
  return std::to_string(request.width) + "x" + std::to_string(request.height);
}

std::string frames_of(const TextToVideo& request) {
  return std::to_string(request.frames) + (request.frames == 1 ? " frame" : " frames");
}

}  // namespace

std::string nearest_that_fits(const models::ModelConfig& config, const TextToVideo& request, std::uint64_t memory,
                              const Plan& plan) {
  Search search(config, memory, plan);
  const auto size = search.run(smaller(config, request));
  const auto duration = search.run(briefer(config, request));
  std::string text;
  if (size) text = size_of(*size) + " with " + frames_of(*size) + " fits";
  if (duration) text += (size ? ", and so does " : "") + size_of(*duration) + " with " + frames_of(*duration);
  if (duration && !size) text += " fits";
  return text;
}

Nearest nearest_where(const models::ModelConfig& config, const TextToVideo& request,
                      const std::function<base::Result<bool>(const TextToVideo&)>& holds) {
  return {first_where(smaller(config, request), holds), first_where(briefer(config, request), holds)};
}

}  // namespace starling::generate
