#include "generate/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "exact/program.h"
#include "models/published.h"

namespace starling::generate {
namespace {

TextToVideo large_request() {
  TextToVideo request;
  request.width = 1024;
  request.height = 1024;
  request.frames = 4001;
  return request;
}

TEST(Nearest, IsFoundInAFewPlans) {
  const models::ModelConfig config = models::wan_2_1_t2v_1_3b_config();
  constexpr std::uint64_t kMemory = std::uint64_t{24} << 30U;
  for (const double ratio : {1.5, 2.6, 3.0, 5.0}) {
    int plans = 0;
    std::uint64_t most = 0;
    const auto need = [&](const TextToVideo& request) -> base::Result<Need> {
      ++plans;
      const auto run = static_cast<std::uint64_t>(ratio * static_cast<double>(least_memory(config, request)));
      const Need made{run + 1'000'000'000, 1'000'000'000};
      if (made.all <= kMemory) most = std::max(most, made.all);
      return made;
    };
    const std::string text = nearest_that_fits(config, large_request(), kMemory, need);
    EXPECT_NE(text.find("with 4001 frames fits, and so does 1024x1024 with "), std::string::npos) << text;
    EXPECT_LE(plans, 4) << "each takes as long as preparing a video";
    EXPECT_GT(most, kMemory / 4 * 3) << "or it is not the nearest";
  }
}

TEST(Nearest, ProgramsOfOneSizeShareThePlansOfTheirDecoder) {
  models::ModelConfig config = models::wan_2_1_t2v_1_3b_config();
  config.transformer.num_layers = 1;
  TextToVideo request = large_request();
  request.steps = 1;
  std::map<base::Hash, exact::Plan> plans;
  exact::PlanningObserver observer;
  observer.plans = &plans;
  const auto prepared = [&](std::int64_t frames) {
    request.frames = frames;
    auto built = text_to_video_program(config, request);
    EXPECT_TRUE(built.ok()) << built.error().message;
    auto made = exact::PreparedProgram::make(std::move(built->program), observer);
    EXPECT_TRUE(made.ok());
    return *std::move(made);
  };
  const exact::PreparedProgram brief = prepared(161);
  const std::size_t of_one = plans.size();
  EXPECT_GE(of_one, brief.program().graphs().size() - 1);
  const exact::PreparedProgram longer = prepared(201);
  EXPECT_LE(plans.size() - of_one, 8U) << "of " << of_one << ": what depends on the duration";
  observer.plans = nullptr;
  EXPECT_EQ(longer.peak_bytes(2), prepared(201).peak_bytes(2));
}

}  // namespace
}  // namespace starling::generate
