#include "proof/receipt.h"

#include <gtest/gtest.h>

#include "proof/commitment.h"

namespace starling::proof {
namespace {

base::Hash hash_of(std::string_view text) { return base::sha256(base::as_bytes(text)); }

base::SecretKey test_key() {
  base::Bytes bytes(32, 7);
  return *base::SecretKey::from_bytes(bytes);
}

Receipt sample() {
  Receipt receipt;
  receipt.version = "0.1.0";
  receipt.task = "text_to_video";
  receipt.parameters = base::Json::empty_object();
  receipt.parameters.set("prompt", "a \"red\" ball 红\n");
  receipt.parameters.set("seed", std::uint64_t{18446744073709551615U});
  receipt.parameters.set("width", 64);
  receipt.model_root = hash_of("model");
  receipt.program_root = hash_of("program");
  receipt.inputs = {{"prompt", hash_of("ids")}, {"seed", hash_of("seed")}};
  receipt.work = {1, 0, 12345678901234U};
  receipt.calls = {hash_of("call 0"), hash_of("call 1"), hash_of("call 2")};
  receipt.frames = {hash_of("frame 0"), hash_of("frame 1")};
  receipt.file = OutputFile{12345, hash_of("file")};
  EXPECT_TRUE(sign_receipt(receipt, test_key()).ok());
  return receipt;
}

TEST(Receipt, RoundTrips) {
  const Receipt receipt = sample();
  const auto text = receipt_text(receipt);
  ASSERT_TRUE(text.ok()) << text.error().message;
  const auto parsed = parse_receipt(*text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(*receipt_text(*parsed), *text);
  EXPECT_FALSE(check_receipt(*parsed).has_value());
  EXPECT_EQ(parsed->executor, test_key().address());
}

TEST(Receipt, AnyChangedByteIsFound) {
  const std::string text = *receipt_text(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int flip : {1, 2, 32, 128}) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const auto parsed = parse_receipt(changed);
      EXPECT_TRUE(!parsed.ok() || check_receipt(*parsed).has_value()) << at << " " << flip;
    }
  }
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_receipt(text.substr(0, size)).ok()) << size;
  EXPECT_FALSE(parse_receipt(text + "\n").ok());
  EXPECT_FALSE(parse_receipt(" " + text).ok());
}

TEST(Receipt, RootsMustBeThoseOfTheLists) {
  Receipt receipt = sample();
  std::swap(receipt.frames[0], receipt.frames[1]);
  EXPECT_TRUE(check_receipt(receipt).has_value());
  receipt = sample();
  receipt.calls.pop_back();
  EXPECT_TRUE(check_receipt(receipt).has_value());
}

TEST(Receipt, TheFileMayBeMissing) {
  Receipt receipt = sample();
  receipt.file.reset();
  ASSERT_TRUE(sign_receipt(receipt, test_key()).ok());
  const auto parsed = parse_receipt(*receipt_text(receipt));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_FALSE(parsed->file.has_value());
  EXPECT_FALSE(check_receipt(*parsed).has_value());
}

TEST(Receipt, FractionsAreRefused) {
  Receipt receipt = sample();
  receipt.parameters.set("guidance", 4.5);
  EXPECT_FALSE(sign_receipt(receipt, test_key()).ok());
}

TEST(Receipt, RebuiltIsCompared) {
  const Receipt receipt = sample();
  const Rebuilt same{receipt.program_root, receipt.inputs, receipt.work, 3, 2};
  EXPECT_FALSE(check_rebuilt(receipt, same).has_value());
  Rebuilt other = same;
  other.program_root = hash_of("another");
  EXPECT_TRUE(check_rebuilt(receipt, other)->message.starts_with("program:"));
  other = same;
  other.inputs["seed"] = hash_of("another");
  EXPECT_TRUE(check_rebuilt(receipt, other)->message.starts_with("input seed:"));
  other = same;
  other.inputs.erase("seed");
  EXPECT_TRUE(check_rebuilt(receipt, other)->message.starts_with("input:"));
  other = same;
  other.work.f32_multiply_adds += 1;
  EXPECT_TRUE(check_rebuilt(receipt, other)->message.starts_with("work:"));
  other = same;
  other.calls = 4;
  EXPECT_TRUE(check_rebuilt(receipt, other).has_value());
  other = same;
  other.frames = 1;
  EXPECT_TRUE(check_rebuilt(receipt, other).has_value());
}

}  // namespace
}  // namespace starling::proof
