#include "ledger/protobuf.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"

namespace starling::ledger {
namespace {

constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kLengthDelimited = 2;

std::string_view text_of(base::ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

void ProtobufWriter::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) data_.push_back(static_cast<std::uint8_t>(value | 0x80U));
  data_.push_back(static_cast<std::uint8_t>(value));
}

void ProtobufWriter::field(std::uint32_t number, base::ByteView bytes) {
  varint(number << 3U | kLengthDelimited);
  varint(bytes.size());
  data_.insert(data_.end(), bytes.begin(), bytes.end());
}

void ProtobufWriter::operator()(std::uint32_t number, const char* name, std::uint32_t value) {
  (*this)(number, name, static_cast<std::uint64_t>(value));
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, std::uint64_t value) {
  if (value == 0) return;
  varint(number << 3U | kVarint);
  varint(value);
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const base::Address& value) {
  field(number, value.bytes);
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const base::Hash& value) {
  field(number, value.bytes);
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const base::Signature& value) {
  field(number, value.bytes);
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const std::string& value,
                                std::size_t /*limit*/) {
  if (!value.empty()) field(number, base::as_bytes(value));
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const std::vector<base::Hash>& value,
                                std::size_t /*limit*/) {
  for (const base::Hash& hash : value) field(number, hash.bytes);
}

void ProtobufWriter::operator()(std::uint32_t number, const char* /*name*/, const std::vector<std::string>& value,
                                std::size_t /*limit*/, std::size_t /*item_limit*/) {
  for (const std::string& text : value) field(number, base::as_bytes(text));
}

void ProtobufReader::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

std::uint64_t ProtobufReader::varint(const char* name) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == data_.size()) break;
    const std::uint8_t byte = data_[at_++];
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) break;
      return value;
    }
  }
  fail(std::string(name) + " is not an integer in its shortest form");
  return 0;
}

base::ByteView ProtobufReader::bytes(const char* name, std::size_t limit) {
  const std::uint64_t size = varint(name);
  if (!failure_.empty()) return {};
  if (size > data_.size() - at_) {
    fail("the message ends within " + std::string(name));
    return {};
  }
  if (size > limit) {
    fail(std::string(name) + " has " + std::to_string(size) + " bytes, more than the " + std::to_string(limit) +
         " allowed");
    return {};
  }
  const base::ByteView view = data_.subspan(at_, size);
  at_ += size;
  return view;
}

std::uint32_t ProtobufReader::next_number() {
  if (!failure_.empty() || at_ == data_.size()) return 0;
  const std::size_t start = at_;
  const std::uint64_t tag = varint("a field's number");
  at_ = start;
  if (tag >> 3U > std::numeric_limits<std::uint32_t>::max()) return 0;
  return static_cast<std::uint32_t>(tag >> 3U);
}

bool ProtobufReader::next_is(std::uint32_t number, std::uint32_t wire_type, const char* name) {
  if (!failure_.empty() || at_ == data_.size()) return false;
  const std::size_t start = at_;
  const std::uint64_t tag = varint("a field's number");
  if (!failure_.empty()) return false;
  if (tag >> 3U != number) {
    at_ = start;
    return false;
  }
  if ((tag & 7U) != wire_type) {
    fail(std::string(name) + " has the wrong wire type");
    return false;
  }
  return true;
}

void ProtobufReader::exact(std::uint32_t number, const char* name, std::span<std::uint8_t> out) {
  if (!next_is(number, kLengthDelimited, name)) return fail(std::string(name) + " is missing or out of order");
  const base::ByteView view = bytes(name, out.size());
  if (!failure_.empty()) return;
  if (view.size() != out.size()) return fail(std::string(name) + " must have " + std::to_string(out.size()) + " bytes");
  std::copy(view.begin(), view.end(), out.begin());
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, std::uint32_t& value) {
  std::uint64_t wide = 0;
  (*this)(number, name, wide);
  if (wide > std::numeric_limits<std::uint32_t>::max()) return fail(std::string(name) + " is larger than 2^32 - 1");
  value = static_cast<std::uint32_t>(wide);
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, std::uint64_t& value) {
  value = 0;
  if (!next_is(number, kVarint, name)) return;
  value = varint(name);
  if (value == 0) fail(std::string(name) + " is zero and must be left out");
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, base::Address& value) {
  exact(number, name, value.bytes);
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, base::Hash& value) {
  exact(number, name, value.bytes);
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, base::Signature& value) {
  exact(number, name, value.bytes);
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, std::string& value, std::size_t limit) {
  value.clear();
  if (!next_is(number, kLengthDelimited, name)) return;
  value = text_of(bytes(name, limit));
  if (value.empty()) fail(std::string(name) + " is empty and must be left out");
  if (!base::valid_utf8(value)) fail(std::string(name) + " is not UTF-8");
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, std::vector<base::Hash>& value,
                                std::size_t limit) {
  value.clear();
  while (next_number() == number) {
    if (value.size() == limit) return fail(std::string(name) + " has more than " + std::to_string(limit) + " elements");
    exact(number, name, value.emplace_back().bytes);
  }
}

void ProtobufReader::operator()(std::uint32_t number, const char* name, std::vector<std::string>& value,
                                std::size_t limit, std::size_t item_limit) {
  value.clear();
  while (next_is(number, kLengthDelimited, name)) {
    if (value.size() == limit) return fail(std::string(name) + " has more than " + std::to_string(limit) + " elements");
    value.emplace_back(text_of(bytes(name, item_limit)));
    if (!base::valid_utf8(value.back())) fail(std::string(name) + " is not UTF-8");
  }
}

base::ByteView ProtobufReader::message(std::uint32_t number, const char* name) {
  if (!next_is(number, kLengthDelimited, name)) {
    fail(std::string(name) + " is not a message");
    return {};
  }
  return bytes(name, data_.size());
}

base::Status ProtobufReader::finish() {
  if (failure_.empty() && at_ != data_.size()) {
    fail("field " + std::to_string(next_number()) + " is unknown or out of order");
  }
  if (!failure_.empty()) return base::corrupt(failure_);
  return {};
}

}  // namespace starling::ledger
