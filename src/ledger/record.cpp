#include "ledger/record.h"

#include <algorithm>

namespace starling::ledger {
namespace {

template <typename T>
void add_big_endian(base::Bytes& bytes, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename T>
T big_endian(base::ByteView key, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8U | key[at + i]);
  return value;
}

}  // namespace

void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, bool value) {
  encoder_.u8(value ? 1 : 0);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint32_t value) {
  encoder_.u32(value);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint64_t value) {
  encoder_.u64(value);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, const base::Address& value) {
  for (const std::uint8_t byte : value.bytes) encoder_.u8(byte);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, const base::Hash& value) {
  encoder_.hash(value);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, const std::string& value,
                              std::size_t /*limit*/) {
  encoder_.text(value);
}
void RecordWriter::operator()(std::uint32_t /*number*/, const char* /*name*/, const std::vector<std::string>& value,
                              std::size_t /*limit*/, std::size_t /*item_limit*/) {
  encoder_.u32(static_cast<std::uint32_t>(value.size()));
  for (const std::string& text : value) encoder_.text(text);
}

void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, bool& value) {
  value = decoder_.u8() != 0;
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint32_t& value) {
  value = decoder_.u32();
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint64_t& value) {
  value = decoder_.u64();
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, base::Address& value) {
  for (std::uint8_t& byte : value.bytes) byte = decoder_.u8();
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, base::Hash& value) {
  value = decoder_.hash();
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, std::string& value, std::size_t limit) {
  value = decoder_.text(limit);
}
void RecordReader::operator()(std::uint32_t /*number*/, const char* /*name*/, std::vector<std::string>& value,
                              std::size_t limit, std::size_t item_limit) {
  value.clear();
  const std::size_t count = std::min<std::size_t>(decoder_.u32(), limit);
  for (std::size_t i = 0; i < count; ++i) value.push_back(decoder_.text(item_limit));
}

Key& Key::add(std::uint64_t value) {
  add_big_endian(bytes_, value);
  return *this;
}
Key& Key::add(std::uint32_t value) {
  add_big_endian(bytes_, value);
  return *this;
}
Key& Key::add(base::ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

std::uint64_t key_u64(base::ByteView key, std::size_t at) { return big_endian<std::uint64_t>(key, at); }
std::uint32_t key_u32(base::ByteView key, std::size_t at) { return big_endian<std::uint32_t>(key, at); }

base::Address key_address(base::ByteView key, std::size_t at) {
  base::Address address;
  std::copy_n(key.begin() + static_cast<std::ptrdiff_t>(at), address.bytes.size(), address.bytes.begin());
  return address;
}

base::Hash key_hash(base::ByteView key, std::size_t at) {
  base::Hash hash;
  std::copy_n(key.begin() + static_cast<std::ptrdiff_t>(at), hash.bytes.size(), hash.bytes.begin());
  return hash;
}

}  // namespace starling::ledger
