#include "proof/commitment.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/merkle.h"

namespace starling::proof {
namespace {

exact::Tensor counted(const exact::Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return exact::Tensor::from_f32(shape, values);
}

TEST(TensorRoot, EveryByteTheTypeAndTheShapeCount) {
  const exact::Tensor tensor = counted({3, 1000});
  const base::Hash root = tensor_root(tensor);
  EXPECT_EQ(root, tensor_root(counted({3, 1000})));
  EXPECT_NE(root, tensor_root(counted({1000, 3})));
  EXPECT_NE(root, tensor_root(exact::Tensor::view(exact::Type::kI32, {3, 1000}, tensor.bytes().data(), nullptr)));
  for (std::size_t at = 0; at < tensor.byte_size(); at += 997) {
    exact::Tensor changed = counted({3, 1000});
    changed.mutable_bytes()[at] ^= 1;
    EXPECT_NE(root, tensor_root(changed)) << at;
  }
}

// The bytes are laid out by hand as docs/trace.md says.
TEST(TensorRoot, FollowsTheFormat) {
  const float values[] = {1.0F, -2.0F};
  const exact::Tensor tensor = exact::Tensor::from_f32({2}, values);
  base::Bytes text = {15, 0, 0, 0};
  for (const char c : std::string_view("starling tensor")) text.push_back(static_cast<std::uint8_t>(c));
  for (const int byte : {0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}) text.push_back(static_cast<std::uint8_t>(byte));
  const base::Bytes data = {0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0};  // the prefix of a leaf, 1.0, -2.0
  const base::Hash leaf = base::sha256(data);
  text.insert(text.end(), leaf.bytes.begin(), leaf.bytes.end());
  EXPECT_EQ(tensor_root(tensor).hex(), base::sha256(text).hex());
}

TEST(ListRoot, OrderAndLengthCount) {
  const base::Hash a = base::sha256(base::as_bytes("a"));
  const base::Hash b = base::sha256(base::as_bytes("b"));
  const std::vector<base::Hash> ab = {a, b};
  const std::vector<base::Hash> ba = {b, a};
  EXPECT_NE(list_root(ab), list_root(ba));
  EXPECT_EQ(list_root(ab), base::merkle_node(base::merkle_leaf(a.bytes), base::merkle_leaf(b.bytes)));
  EXPECT_EQ(list_root({}), base::sha256({}));
}

}  // namespace
}  // namespace starling::proof
