#include "exact/graph.h"

#include <gtest/gtest.h>

#include <array>

namespace starling::exact {
namespace {

Graph small_graph() {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2, 3});
  const auto w = b.input("w", Type::kF32, {4, 3});
  const auto bias = b.input("b", Type::kF32, {4});
  b.output("y", b.gelu_tanh(b.linear(x, w, bias)));
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

TEST(Builder, SaysOnceWhatScopesHaveInCommon) {
  Builder b;
  {
    const Builder::Scope model(b, "transformer");
    const Builder::Scope block(b, "blocks.0");
    {
      const Builder::Scope attention(b, "blocks.0.attn1");
      const Builder::Scope linear(b, "blocks.0.attn1.to_q");
      b.output("y", b.dot(b.input("x", Type::kF32, {2, 3}), b.input("w", Type::kF32, {4, 5})));
    }
  }
  const auto graph = b.finish();
  ASSERT_FALSE(graph.ok());
  EXPECT_TRUE(graph.error().message.starts_with("transformer.blocks.0.attn1.to_q: dot")) << graph.error().message;
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

TEST(Builder, RefusesTypesThatNoOperatorTakes) {
  for (const Type type : {Type::kBf16, Type::kF16}) {
    Builder b;
    b.output("y", b.reshape(b.input("x", type, {4}), {2, 2}));
    const auto graph = b.finish();
    ASSERT_FALSE(graph.ok());
    EXPECT_NE(graph.error().message.find("operators take f32, i32, i8 and u8"), std::string::npos);
  }
}

// Products of these sizes would wrap around in 64 bits.
TEST(Builder, RefusesShapesBeyondCounting) {
  const std::int64_t large = std::int64_t{1} << 40;
  Builder input;
  input.output("x", input.input("x", Type::kF32, {large, large / 65536}));
  EXPECT_FALSE(input.finish().ok());
  Builder fill;
  fill.output("x", fill.fill(1.0F, {large, large, large, large}));
  EXPECT_FALSE(fill.finish().ok());
  Builder slice;
  const auto x = slice.input("x", Type::kF32, {large});
  slice.output("y", slice.slice(x, 0, large - 1, large, large - 1));
  EXPECT_FALSE(slice.finish().ok());
}

TEST(Graph, RefusesWhatAnotherEncodingWouldSayToo) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {2});
  const auto y = b.add_node(Operator::kToI32, std::array{x.id}, std::array<std::int64_t, 1>{7}, 0.0F);
  b.output("y", y);
  EXPECT_FALSE(b.finish().ok());
  Builder negative_zero;
  const auto z = negative_zero.input("x", Type::kF32, {2});
  negative_zero.output("y", negative_zero.add_node(Operator::kNeg, std::array{z.id}, {}, -0.0F));
  EXPECT_FALSE(negative_zero.finish().ok());
}

}  // namespace
}  // namespace starling::exact
