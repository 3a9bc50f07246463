#include "exact/graph.h"

#include <gtest/gtest.h>

namespace starling::exact {
namespace {

Graph small_graph() {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, 3});
  const auto w = b.input("w", Type::kF32, {4, 3});
  const auto bias = b.input("b", Type::kF32, {4});
  b.output("y", b.gelu(b.linear(x, w, bias)));
  auto graph = b.finish();
  EXPECT_TRUE(graph.ok());
  return *graph;
}

TEST(Graph, EncodingRoundTripsAndKeepsTheRoot) {
  const Graph graph = small_graph();
  const auto decoded = Graph::decode(graph.encode());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->encode(), graph.encode());
  EXPECT_EQ(decoded->root(), graph.root());
}

TEST(Graph, EveryChangedByteIsRefusedOrChangesTheRoot) {
  const Graph graph = small_graph();
  const base::Bytes bytes = graph.encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    const auto decoded = Graph::decode(changed);
    if (decoded.ok()) {
      EXPECT_NE(decoded->root(), graph.root()) << i;
    }
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Graph::decode(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(Graph, CountsWorkFromShapes) {
  const Work work = small_graph().work();
  EXPECT_EQ(work.f32_multiply_adds, 2U * 3 * 4);
  EXPECT_EQ(work.i8_multiply_adds, 0U);
}

TEST(Builder, ReportsTheFirstMistakeWithItsScope) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, 3});
  const auto w = b.input("w", Type::kF32, {4, 5});
  {
    const Builder::Scope scope(b, "blocks.0");
    b.output("y", b.dot(x, w));
  }
  const auto graph = b.finish();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().message, "blocks.0: dot: depth 3 against 5 in [2, 3] and [4, 5]");
}

TEST(Builder, DropsUnneededNodesAndMergesEqualOnes) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2});
  b.exp(x);
  b.output("y", b.add(b.neg(x), b.neg(x)));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->nodes().size(), 2U);
}

TEST(Builder, TakesInputsAtAnyTime) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2});
  const auto y = b.neg(x);
  const auto z = b.input("z", Type::kF32, {2});
  b.output("y", b.add(y, z));
  const auto graph = b.finish();
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->inputs().size(), 2U);
  EXPECT_EQ(graph->node(3).inputs, (std::vector<ValueId>{2, 1}));
}

}  // namespace
}  // namespace starling::exact
