#include "generate/schedule.h"

#include <cstddef>

namespace starling::generate {

std::vector<Step> flow_match_euler(std::int64_t steps, std::int64_t train_timesteps, float shift) {
  const auto shifted = [shift = static_cast<double>(shift)](double sigma) {
    return shift * sigma / (1.0 + (shift - 1.0) * sigma);
  };
  const auto scale = static_cast<double>(train_timesteps);
  const double first = shifted(1.0);
  const double last = shifted(1.0 / scale);
  std::vector<double> sigmas;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double along = steps == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(steps - 1);
    sigmas.push_back(shifted(first + (last - first) * along));
  }
  sigmas.push_back(0.0);
  std::vector<Step> result;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    result.push_back(
        {static_cast<float>(sigmas[i] * scale), static_cast<float>(sigmas[i]), static_cast<float>(sigmas[i + 1])});
  }
  return result;
}

}  // namespace starling::generate
