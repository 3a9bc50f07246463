#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/signature.h"

namespace starling::ledger {

// Visitors (see message.h) for protobuf's wire format, in the one form that counts as canonical: fields in the order of
// their numbers, each integer in its shortest form, zero and empty values left out, nothing unknown. Addresses, hashes
// and signatures are byte strings of fixed length and are always there. Any protobuf library that writes proto3 in the
// order of the numbers writes this form.
class ProtobufWriter {
 public:
  void operator()(std::uint32_t number, const char* name, std::uint32_t value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t value);
  void operator()(std::uint32_t number, const char* name, const base::Address& value);
  void operator()(std::uint32_t number, const char* name, const base::Hash& value);
  void operator()(std::uint32_t number, const char* name, const base::Signature& value);
  void operator()(std::uint32_t number, const char* name, const std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  // A message within this one, whatever its length.
  void message(std::uint32_t number, base::ByteView bytes) { field(number, bytes); }
  const base::Bytes& data() const { return data_; }

 private:
  void varint(std::uint64_t value);
  void field(std::uint32_t number, base::ByteView bytes);
  base::Bytes data_;
};

// Reads what ProtobufWriter wrote, and nothing else. The first failure is kept; reads after it do nothing.
class ProtobufReader {
 public:
  explicit ProtobufReader(base::ByteView data) : data_(data) {}
  void operator()(std::uint32_t number, const char* name, std::uint32_t& value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t& value);
  void operator()(std::uint32_t number, const char* name, base::Address& value);
  void operator()(std::uint32_t number, const char* name, base::Hash& value);
  void operator()(std::uint32_t number, const char* name, base::Signature& value);
  void operator()(std::uint32_t number, const char* name, std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  // The number of the next field, 0 at the end or after a failure.
  std::uint32_t next_number();
  // The bytes of a message within this one.
  base::ByteView message(std::uint32_t number, const char* name);
  // An error if anything failed or bytes are left over.
  base::Status finish();

 private:
  bool next_is(std::uint32_t number, std::uint32_t wire_type, const char* name);
  std::uint64_t varint(const char* name);
  base::ByteView bytes(const char* name, std::size_t limit);
  void exact(std::uint32_t number, const char* name, std::span<std::uint8_t> out);
  void fail(const std::string& what);
  base::ByteView data_;
  std::size_t at_ = 0;
  std::string failure_;
};

}  // namespace starling::ledger
