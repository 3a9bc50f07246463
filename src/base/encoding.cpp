#include "base/encoding.h"

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

namespace starling::base {
namespace {

template <typename T>
void put(Bytes& data, T value) {
  static_assert(std::is_unsigned_v<T>);
  for (std::size_t i = 0; i < sizeof(T); ++i) data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename T>
T load(const std::uint8_t* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | (static_cast<T>(bytes[i]) << (8 * i)));
  return value;
}

}  // namespace

void Encoder::u8(std::uint8_t value) { data_.push_back(value); }
void Encoder::u16(std::uint16_t value) { put(data_, value); }
void Encoder::u32(std::uint32_t value) { put(data_, value); }
void Encoder::u64(std::uint64_t value) { put(data_, value); }
void Encoder::i64(std::int64_t value) { put(data_, static_cast<std::uint64_t>(value)); }
void Encoder::f32(float value) { put(data_, std::bit_cast<std::uint32_t>(value)); }

void Encoder::bytes(ByteView value) {
  if (value.size() > std::numeric_limits<std::uint32_t>::max()) {
    halt("a byte string of 4 GiB or more was given to the canonical encoding, which has u32 lengths");
  }
  put(data_, static_cast<std::uint32_t>(value.size()));
  data_.insert(data_.end(), value.begin(), value.end());
}

void Encoder::text(std::string_view value) { bytes(as_bytes(value)); }

void Encoder::hash(const Hash& value) { data_.insert(data_.end(), value.bytes.begin(), value.bytes.end()); }

bool Decoder::take(void* out, std::size_t size) {
  if (!ok_ || size > remaining()) {
    ok_ = false;
    return false;
  }
  if (size > 0) std::memcpy(out, data_.data() + at_, size);
  at_ += size;
  return true;
}

std::uint8_t Decoder::u8() {
  std::uint8_t value = 0;
  take(&value, 1);
  return value;
}

std::uint16_t Decoder::u16() {
  std::uint8_t bytes[2] = {};
  take(bytes, sizeof(bytes));
  return load<std::uint16_t>(bytes);
}

std::uint32_t Decoder::u32() {
  std::uint8_t bytes[4] = {};
  take(bytes, sizeof(bytes));
  return load<std::uint32_t>(bytes);
}

std::uint64_t Decoder::u64() {
  std::uint8_t bytes[8] = {};
  take(bytes, sizeof(bytes));
  return load<std::uint64_t>(bytes);
}

std::int64_t Decoder::i64() { return static_cast<std::int64_t>(u64()); }
float Decoder::f32() { return std::bit_cast<float>(u32()); }

Bytes Decoder::bytes(std::size_t limit) {
  const std::size_t size = u32();
  if (!ok_ || size > limit || size > remaining()) {
    ok_ = false;
    return {};
  }
  Bytes value(size);
  take(value.data(), size);
  return value;
}

std::string Decoder::text(std::size_t limit) {
  const Bytes value = bytes(limit);
  return {value.begin(), value.end()};
}

Hash Decoder::hash() {
  Hash value;
  take(value.bytes.data(), value.bytes.size());
  return value;
}

Status Decoder::finish() const {
  if (!ok_) {
    return corrupt("the encoding ends early or has a field longer than allowed, near byte " + std::to_string(at_) +
                   " of " + std::to_string(data_.size()));
  }
  if (remaining() != 0) {
    return corrupt("the encoding has " + std::to_string(remaining()) + " bytes left over after its last field");
  }
  return {};
}

}  // namespace starling::base
