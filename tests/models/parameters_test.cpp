#include "models/parameters.h"

#include <gtest/gtest.h>

#include <cmath>

#include "exact/engine.h"

namespace starling::models {
namespace {

TEST(Parameters, MakesEachInputOnce) {
  exact::Builder b;
  Parameters parameters(b, "vae");
  const auto first = parameters.get("a.weight", {2, 3}, Initializer::scaled(3));
  EXPECT_EQ(parameters.get("a.weight", {2, 3}, Initializer::scaled(3)).id, first.id);
  ASSERT_EQ(parameters.list().size(), 1U);
  EXPECT_EQ(parameters.list()[0].name, "vae/a.weight");
  EXPECT_TRUE(b.ok());
  parameters.get("a.weight", {3, 2}, Initializer::scaled(3));
  EXPECT_FALSE(b.ok());
}

TEST(Parameters, InitializesBySeedAndName) {
  const std::vector<Parameter> list{{"p/w", {40, 100}, Initializer::scaled(100)},
                                    {"p/b", {4}, {{0.0F, -5.0F}, 0.0F}},
                                    {"p/v", {40, 100}, Initializer::scaled(100)}};
  auto graph = initialization_graph(list);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const std::vector<std::int32_t> seed{1, 2};
  auto values = exact::run_reference(*graph, std::vector{exact::Tensor::from_i32({2}, seed)});
  ASSERT_TRUE(values.ok());
  double square = 0.0;
  bool differs = false;
  for (std::size_t i = 0; i < 4000; ++i) {
    square += std::pow((*values)[0].f32()[i], 2);
    differs = differs || (*values)[0].f32()[i] != (*values)[2].f32()[i];
  }
  EXPECT_NEAR(square / 4000, 0.01, 0.001) << "gain one";
  EXPECT_TRUE(differs) << "each name has a stream of its own";
  const auto bias = (*values)[1].f32();
  EXPECT_EQ(std::vector<float>(bias.begin(), bias.end()), (std::vector<float>{0, 0, -5, -5}));
}

}  // namespace
}  // namespace starling::models
