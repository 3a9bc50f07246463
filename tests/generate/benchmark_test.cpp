#include "generate/benchmark.h"

#include <gtest/gtest.h>

namespace starling::generate {
namespace {

std::string output_of(std::uint8_t place) {
  base::Hash seed;
  seed.bytes[place] = 7;
  auto engine = exact::Engine::create({});
  EXPECT_TRUE(engine.ok());
  const auto root = run_benchmark(seed, *engine);
  EXPECT_TRUE(root.ok()) << root.error().message;
  return root->hex();
}

// What every provider runs, on every machine and for ever.
TEST(Benchmark, ProgramAndOutputAreTheOnesThatProvidersKnow) {
  const auto program = benchmark_program();
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(program->work().f32_multiply_adds, 10'737'418'240U);
  EXPECT_EQ(program->root().hex(), "76e9cba4992c35d148f0c7c595b045b572634b2a3441ea848fd3a88a8fbac1bb");
  EXPECT_EQ(output_of(0), "1f6517ea3d4ebaa5d5c66f285684593dac04ad26e94e54cce0a52a82e9f12f56");
}

TEST(Benchmark, AnotherSeedHasAnotherOutput) { EXPECT_NE(output_of(7), output_of(0)); }

}  // namespace
}  // namespace starling::generate
