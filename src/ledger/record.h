#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/signature.h"
#include "ledger/overlay.h"

namespace starling::ledger {

// Visitors (see message.h) for what the state keeps: fields in order in the canonical encoding of base/encoding.h.
class RecordWriter {
 public:
  void operator()(std::uint32_t number, const char* name, bool value);
  void operator()(std::uint32_t number, const char* name, std::uint32_t value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t value);
  void operator()(std::uint32_t number, const char* name, const base::Address& value);
  void operator()(std::uint32_t number, const char* name, const base::Hash& value);
  void operator()(std::uint32_t number, const char* name, const std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(std::uint32_t /*number*/, const char* /*name*/, E value) {
    encoder_.u8(static_cast<std::uint8_t>(value));
  }
  const base::Bytes& data() const { return encoder_.data(); }

 private:
  base::Encoder encoder_;
};

class RecordReader {
 public:
  explicit RecordReader(base::ByteView data) : decoder_(data) {}
  void operator()(std::uint32_t number, const char* name, bool& value);
  void operator()(std::uint32_t number, const char* name, std::uint32_t& value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t& value);
  void operator()(std::uint32_t number, const char* name, base::Address& value);
  void operator()(std::uint32_t number, const char* name, base::Hash& value);
  void operator()(std::uint32_t number, const char* name, std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(std::uint32_t /*number*/, const char* /*name*/, E& value) { value = static_cast<E>(decoder_.u8()); }
  base::Status finish() const { return decoder_.finish(); }

 private:
  base::Decoder decoder_;
};

// A key of the state: a letter for the module, one for the kind of entry, then what names the entry. Integers are
// big-endian, so that the order of keys is theirs.
class Key {
 public:
  Key(char module, char kind) : bytes_{static_cast<std::uint8_t>(module), static_cast<std::uint8_t>(kind)} {}
  Key& add(std::uint64_t value);
  Key& add(std::uint32_t value);
  Key& add(base::ByteView bytes);
  Key& add(const base::Address& address) { return add(base::ByteView(address.bytes)); }
  Key& add(const base::Hash& hash) { return add(base::ByteView(hash.bytes)); }
  operator base::ByteView() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  base::Bytes bytes_;
};

// What Key::add() wrote. Precondition: key has the bytes.
std::uint64_t key_u64(base::ByteView key, std::size_t at);
std::uint32_t key_u32(base::ByteView key, std::size_t at);
base::Address key_address(base::ByteView key, std::size_t at);
base::Hash key_hash(base::ByteView key, std::size_t at);

template <typename Record>
base::Bytes encode_record(const Record& record) {
  RecordWriter writer;
  Record::fields(record, writer);
  return writer.data();
}

template <typename Record>
base::Result<Record> decode_record(base::ByteView bytes) {
  Record record;
  RecordReader reader(bytes);
  Record::fields(record, reader);
  STARLING_TRY(reader.finish());
  return record;
}

// Nothing when there is no such entry; an error when the state cannot be read.
template <typename Record>
base::Result<std::optional<Record>> read_record(const store::StateView& state, base::ByteView key) {
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, state.get(key));
  if (!bytes.has_value()) return std::optional<Record>();
  STARLING_ASSIGN(Record record, decode_record<Record>(*bytes));
  return std::optional<Record>(std::move(record));
}

// For handlers: as read_record(), with failures kept in the state.
template <typename Record>
std::optional<Record> load(Overlay& state, base::ByteView key) {
  base::Result<std::optional<Record>> record = read_record<Record>(state, key);
  if (record.ok()) return *std::move(record);
  state.fail(record.error());
  return std::nullopt;
}

template <typename Record>
void save(Overlay& state, base::ByteView key, const Record& record) {
  state.put(key, encode_record(record));
}

}  // namespace starling::ledger
