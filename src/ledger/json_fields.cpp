#include "ledger/json_fields.h"

#include <charconv>
#include <limits>

namespace starling::ledger {
namespace {

std::string hash_text(const base::Hash& hash) { return "0x" + hash.hex(); }

base::Result<base::Hash> hash_of(const base::Json& value) {
  STARLING_ASSIGN(const std::string text, value.as_text());
  return base::Hash::from_hex(text);
}

}  // namespace

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, bool value) { object_.set(name, value); }

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, std::uint32_t value) {
  object_.set(name, value);
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, std::uint64_t value) {
  object_.set(name, std::to_string(value));
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, const base::Address& value) {
  object_.set(name, value.text());
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, const base::Hash& value) {
  object_.set(name, hash_text(value));
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, const std::string& value,
                            std::size_t /*limit*/) {
  object_.set(name, value);
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, const std::vector<base::Hash>& value,
                            std::size_t /*limit*/) {
  base::Json items = base::Json::empty_array();
  for (const base::Hash& hash : value) items.push(hash_text(hash));
  object_.set(name, std::move(items));
}

void JsonWriter::operator()(std::uint32_t /*number*/, const char* name, const std::vector<std::string>& value,
                            std::size_t /*limit*/, std::size_t /*item_limit*/) {
  base::Json items = base::Json::empty_array();
  for (const std::string& text : value) items.push(text);
  object_.set(name, std::move(items));
}

base::Result<std::uint64_t> json_u64(const base::Json& value) {
  if (value.kind() == base::Json::Kind::kInteger) return value.as_u64();
  STARLING_ASSIGN(const std::string text, value.as_text());
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return base::invalid("'" + text + "' is not an integer from 0 to 2^64-1");
  return number;
}

void JsonReader::fail(const char* name, const std::string& what) {
  if (failure_.empty()) failure_ = std::string(name) + ": " + what;
}

const base::Json* JsonReader::member(const char* name) {
  const base::Json* const found = object_.find(name);
  if (found == nullptr) {
    fail(name, "missing");
  } else {
    ++seen_;
  }
  return found;
}

void JsonReader::operator()(std::uint32_t number, const char* name, std::uint32_t& value) {
  std::uint64_t wide = 0;
  (*this)(number, name, wide);
  if (wide > std::numeric_limits<std::uint32_t>::max()) return fail(name, "is larger than 2^32 - 1");
  value = static_cast<std::uint32_t>(wide);
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, std::uint64_t& value) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  const base::Result<std::uint64_t> read = json_u64(*found);
  if (!read.ok()) return fail(name, read.error().message);
  value = *read;
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, bool& value) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  const base::Result<bool> read = found->as_boolean();
  if (!read.ok()) return fail(name, read.error().message);
  value = *read;
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, base::Address& value) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  const base::Result<std::string> text = found->as_text();
  if (!text.ok()) return fail(name, text.error().message);
  const base::Result<base::Address> read = base::Address::from_text(*text);
  if (!read.ok()) return fail(name, read.error().message);
  value = *read;
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, base::Hash& value) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  const base::Result<base::Hash> read = hash_of(*found);
  if (!read.ok()) return fail(name, read.error().message);
  value = *read;
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, std::string& value, std::size_t /*limit*/) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  const base::Result<std::string> read = found->as_text();
  if (!read.ok()) return fail(name, read.error().message);
  value = *read;
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, std::vector<base::Hash>& value,
                            std::size_t /*limit*/) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  if (!found->is_array()) return fail(name, "is not a list");
  value.clear();
  for (const base::Json& item : found->elements()) {
    const base::Result<base::Hash> read = hash_of(item);
    if (!read.ok()) return fail(name, read.error().message);
    value.push_back(*read);
  }
}

void JsonReader::operator()(std::uint32_t /*number*/, const char* name, std::vector<std::string>& value,
                            std::size_t /*limit*/, std::size_t /*item_limit*/) {
  const base::Json* const found = member(name);
  if (found == nullptr) return;
  if (!found->is_array()) return fail(name, "is not a list");
  value.clear();
  for (const base::Json& item : found->elements()) {
    const base::Result<std::string> read = item.as_text();
    if (!read.ok()) return fail(name, read.error().message);
    value.push_back(*read);
  }
}

base::Status JsonReader::finish_with_more() const {
  if (!failure_.empty()) return base::invalid(failure_);
  if (!object_.is_object()) return base::invalid("this is not a JSON object");
  return {};
}

base::Status JsonReader::finish() const {
  STARLING_TRY(finish_with_more());
  if (seen_ != object_.members().size()) return base::invalid("there is a member that does not belong here");
  return {};
}

}  // namespace starling::ledger
