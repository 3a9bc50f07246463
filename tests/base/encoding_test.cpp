#include "base/encoding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace starling::base {
namespace {

TEST(Encoding, HasTheDocumentedBytes) {
  Encoder encoder;
  encoder.u8(1);
  encoder.u16(0x0203);
  encoder.u32(0x04050607);
  encoder.u64(0x08090a0b0c0d0e0f);
  encoder.i64(-2);
  encoder.f32(1.0F);
  encoder.text("hi");
  EXPECT_EQ(to_hex(encoder.data()),
            "01"
            "0302"
            "07060504"
            "0f0e0d0c0b0a0908"
            "feffffffffffffff"
            "0000803f"
            "020000006869");
}

Bytes sample() {
  Encoder encoder;
  encoder.u8(200);
  encoder.u16(65535);
  encoder.u32(7);
  encoder.u64(std::numeric_limits<std::uint64_t>::max());
  encoder.i64(std::numeric_limits<std::int64_t>::min());
  encoder.f32(-0.0F);
  encoder.bytes(Bytes{1, 2, 3});
  encoder.text("text");
  encoder.hash(sha256({}));
  return encoder.data();
}

struct Fields {
  std::uint8_t a;
  std::uint16_t b;
  std::uint32_t c;
  std::uint64_t d;
  std::int64_t e;
  float f;
  Bytes g;
  std::string h;
  Hash i;
};

Fields read(Decoder& decoder) {
  Fields fields{};
  fields.a = decoder.u8();
  fields.b = decoder.u16();
  fields.c = decoder.u32();
  fields.d = decoder.u64();
  fields.e = decoder.i64();
  fields.f = decoder.f32();
  fields.g = decoder.bytes(3);
  fields.h = decoder.text(16);
  fields.i = decoder.hash();
  return fields;
}

TEST(Encoding, RoundTrips) {
  const Bytes data = sample();
  Decoder decoder(data);
  const Fields fields = read(decoder);
  ASSERT_TRUE(decoder.finish().ok());
  EXPECT_EQ(fields.a, 200);
  EXPECT_EQ(fields.b, 65535);
  EXPECT_EQ(fields.c, 7U);
  EXPECT_EQ(fields.d, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(fields.e, std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(std::signbit(fields.f));
  EXPECT_EQ(fields.g, (Bytes{1, 2, 3}));
  EXPECT_EQ(fields.h, "text");
  EXPECT_EQ(fields.i, sha256({}));
}

TEST(Encoding, EveryTruncationFails) {
  const Bytes data = sample();
  for (std::size_t size = 0; size < data.size(); ++size) {
    Decoder decoder(ByteView(data).first(size));
    read(decoder);
    EXPECT_FALSE(decoder.finish().ok()) << size;
  }
}

TEST(Encoding, LeftOverBytesFail) {
  Bytes data = sample();
  data.push_back(0);
  Decoder decoder(data);
  read(decoder);
  EXPECT_TRUE(decoder.ok());
  EXPECT_FALSE(decoder.finish().ok());
}

TEST(Encoding, LengthsAreBoundedBeforeAllocation) {
  Encoder encoder;
  encoder.u32(0xffffffff);
  Decoder unbounded(encoder.data());
  EXPECT_TRUE(unbounded.bytes(std::numeric_limits<std::size_t>::max()).empty());
  EXPECT_FALSE(unbounded.ok());

  Encoder longer;
  longer.text("four");
  Decoder limited(longer.data());
  EXPECT_EQ(limited.text(3), "");
  EXPECT_FALSE(limited.ok());
  EXPECT_EQ(limited.u64(), 0U);
}

}  // namespace
}  // namespace starling::base
