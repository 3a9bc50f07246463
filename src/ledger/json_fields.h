#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/signature.h"

namespace starling::ledger {

// Visitors (see message.h) for JSON: an object with a member per field. 64-bit integers are decimal texts, since a
// JavaScript number holds 53 bits; hashes are 0x and 64 digits, as wallets want them.
class JsonWriter {
 public:
  JsonWriter() : object_(base::Json::empty_object()) {}
  void operator()(std::uint32_t number, const char* name, bool value);
  void operator()(std::uint32_t number, const char* name, std::uint32_t value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t value);
  void operator()(std::uint32_t number, const char* name, const base::Address& value);
  void operator()(std::uint32_t number, const char* name, const base::Hash& value);
  void operator()(std::uint32_t number, const char* name, const std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  // A state of something is written by name.
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(std::uint32_t /*number*/, const char* name, E value) { object_.set(name, name_of(value)); }
  const base::Json& object() const { return object_; }

 private:
  base::Json object_;
};

// Reads such an object; every field must be there. Integers may be numbers or decimal texts. The first failure is kept.
// The bounds of texts and lists are left to the canonical bytes.
class JsonReader {
 public:
  explicit JsonReader(const base::Json& object) : object_(object) {}
  void operator()(std::uint32_t number, const char* name, bool& value);
  void operator()(std::uint32_t number, const char* name, std::uint32_t& value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t& value);
  void operator()(std::uint32_t number, const char* name, base::Address& value);
  void operator()(std::uint32_t number, const char* name, base::Hash& value);
  void operator()(std::uint32_t number, const char* name, std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  // A state of something is read by name.
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(std::uint32_t /*number*/, const char* name, E& value) {
    std::string text;
    (*this)(0, name, text, 0);
    if (!from_name(text, value)) fail(name, "'" + text + "' is unknown");
  }
  // An error if anything failed, or if there is a member that no field has.
  base::Status finish() const;
  // As finish(), but whatever else the object has is left aside.
  base::Status finish_with_more() const;

 private:
  const base::Json* member(const char* name);
  void fail(const char* name, const std::string& what);
  const base::Json& object_;
  std::size_t seen_ = 0;
  std::string failure_;
};

base::Result<std::uint64_t> json_u64(const base::Json& value);

// A record that to_json() wrote, whatever else is beside its fields.
template <typename Record>
base::Result<Record> record_from_json(const base::Json& json) {
  Record record;
  JsonReader reader(json);
  Record::fields(record, reader);
  STARLING_TRY(reader.finish_with_more());
  return record;
}

template <typename Record>
base::Json to_json(const Record& record) {
  JsonWriter writer;
  Record::fields(record, writer);
  return writer.object();
}

}  // namespace starling::ledger
