#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"

namespace starling::base {

// The canonical encoding of Starling's structures: integers little-endian at fixed width, byte strings and sequences
// preceded by a u32 length. There is one encoding of each value, so equal values have equal hashes.
class Encoder {
 public:
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void i64(std::int64_t value);
  void f32(float value);  // the bits
  void bytes(ByteView value);
  void text(std::string_view value);
  void hash(const Hash& value);  // 32 bytes, no length
  const Bytes& data() const { return data_; }

 private:
  Bytes data_;
};

// Reads what Encoder wrote. Every read is bounded by the input; the first failure is kept and all later reads give
// zeros, so a caller checks once, with finish().
class Decoder {
 public:
  explicit Decoder(ByteView data) : data_(data) {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  std::int64_t i64();
  float f32();
  Bytes bytes(std::size_t limit);
  std::string text(std::size_t limit);
  Hash hash();
  bool ok() const { return ok_; }
  std::size_t remaining() const { return data_.size() - at_; }
  // An error if anything failed or bytes are left over.
  Status finish() const;

 private:
  bool take(void* out, std::size_t size);
  ByteView data_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace starling::base
