#include "everywhere.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backends.h"
#include "exact/engine.h"
#include "plan_steps.h"

namespace starling::exact {

Tensor random_tensor(Type type, const Shape& shape, std::mt19937& random) {
  Tensor tensor(type, shape);
  if (type == Type::kF32) {
    std::normal_distribution<float> normal;
    for (float& value : tensor.f32()) value = normal(random);
  } else if (type == Type::kI32) {
    for (std::int32_t& value : tensor.i32()) value = static_cast<std::int32_t>(random());
  } else {
    const std::uint8_t extremes[] = {0, 127, 128, 255};
    for (std::uint8_t& value : tensor.u8()) {
      value = random() % 4 == 0 ? extremes[random() % 4] : static_cast<std::uint8_t>(random());
    }
  }
  return tensor;
}

std::vector<Tensor> expect_equal_everywhere(Builder& builder, std::vector<Tensor> inputs, std::string* steps) {
  auto graph = builder.finish();
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  if (!graph.ok()) return {};
  const auto decoded = Graph::decode(graph->encode());
  EXPECT_TRUE(decoded.ok() && decoded->root() == graph->root());
  if (inputs.empty()) {
    std::mt19937 random(3);
    for (const GraphInput& input : graph->inputs()) inputs.push_back(random_tensor(input.type, input.shape, random));
  }
  const auto expected = run_reference(*graph, inputs);
  EXPECT_TRUE(expected.ok()) << expected.error().message;
  const auto plan = Plan::make(*graph);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  if (!expected.ok() || !plan.ok()) return {};
  if (steps != nullptr) *steps = steps_of(*plan);
  for (const std::string& backend : all_backends()) {
    for (const int threads : {1, 2, 7}) {
      if (is_cuda(backend) && threads != 2) continue;
      auto engine = Engine::create({backend, threads});
      EXPECT_TRUE(engine.ok());
      const auto actual = engine->run(*plan, inputs);
      EXPECT_TRUE(actual.ok()) << actual.error().message;
      if (!actual.ok()) return {};
      for (std::size_t i = 0; i < expected->size(); ++i) {
        const auto want = (*expected)[i].bytes();
        const auto got = (*actual)[i].bytes();
        EXPECT_EQ((*actual)[i].type(), (*expected)[i].type());
        EXPECT_TRUE(want.size() == got.size() && std::memcmp(want.data(), got.data(), want.size()) == 0)
            << backend << ", " << threads << " threads, output " << graph->outputs()[i].name << "\n"
            << steps_of(*plan);
      }
    }
  }
  return *expected;
}

}  // namespace starling::exact
