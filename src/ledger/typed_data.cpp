#include "ledger/typed_data.h"

#include <algorithm>
#include <optional>

namespace starling::ledger {
namespace {

base::Hash keccak_text(const std::string& text) { return base::keccak256(base::as_bytes(text)); }

base::Hash integer_word(std::uint64_t value) {
  base::Hash word;
  for (std::size_t i = 0; i < 8; ++i) word.bytes[31 - i] = static_cast<std::uint8_t>(value >> (8 * i));
  return word;
}

void append(base::Bytes& bytes, const base::Hash& hash) {
  bytes.insert(bytes.end(), hash.bytes.begin(), hash.bytes.end());
}

}  // namespace

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, std::uint32_t /*value*/) {
  fields_.push_back({name, "uint32"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, std::uint64_t /*value*/) {
  fields_.push_back({name, "uint64"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, const base::Address& /*value*/) {
  fields_.push_back({name, "address"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, const base::Hash& /*value*/) {
  fields_.push_back({name, "bytes32"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, const std::string& /*value*/,
                             std::size_t /*limit*/) {
  fields_.push_back({name, "string"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, const std::vector<base::Hash>& /*value*/,
                             std::size_t /*limit*/) {
  fields_.push_back({name, "bytes32[]"});
}

void TypedFields::operator()(std::uint32_t /*number*/, const char* name, const std::vector<std::string>& /*value*/,
                             std::size_t /*limit*/, std::size_t /*item_limit*/) {
  fields_.push_back({name, "string[]"});
}

std::string TypedFields::type_text(const char* struct_name) const {
  std::string text = std::string(struct_name) + "(";
  for (const TypedField& field : fields_) {
    if (&field != fields_.data()) text += ",";
    text.append(field.type).append(" ").append(field.name);
  }
  return text + ")";
}

void TypedWords::word(const base::Hash& value) { append(words_, value); }

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint32_t value) {
  word(integer_word(value));
}

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, std::uint64_t value) {
  word(integer_word(value));
}

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, const base::Address& value) {
  base::Hash padded;
  std::copy(value.bytes.begin(), value.bytes.end(), padded.bytes.begin() + 12);
  word(padded);
}

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, const base::Hash& value) { word(value); }

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, const std::string& value,
                            std::size_t /*limit*/) {
  word(keccak_text(value));
}

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, const std::vector<base::Hash>& value,
                            std::size_t /*limit*/) {
  base::Bytes items;
  for (const base::Hash& hash : value) append(items, hash);
  word(base::keccak256(items));
}

void TypedWords::operator()(std::uint32_t /*number*/, const char* /*name*/, const std::vector<std::string>& value,
                            std::size_t /*limit*/, std::size_t /*item_limit*/) {
  base::Bytes items;
  for (const std::string& text : value) append(items, keccak_text(text));
  word(base::keccak256(items));
}

std::vector<TypedField> domain_fields() { return {{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}}; }

base::Hash domain_separator(std::uint64_t chain_id) {
  // Nearly always that of the call before.
  thread_local std::uint64_t known_chain = 0;
  thread_local std::optional<base::Hash> known;
  if (known.has_value() && known_chain == chain_id) return *known;
  static const base::Hash type_hash = keccak_text("EIP712Domain(string name,string version,uint256 chainId)");
  TypedWords words(type_hash);
  words(0, "name", std::string(kDomainName), 0);
  words(0, "version", std::string(kDomainVersion), 0);
  words(0, "chainId", chain_id);
  known_chain = chain_id;
  known = words.hash();
  return *known;
}

base::Hash typed_digest(const base::Hash& domain, const base::Hash& struct_hash) {
  base::Bytes bytes = {0x19, 0x01};
  append(bytes, domain);
  append(bytes, struct_hash);
  return base::keccak256(bytes);
}

}  // namespace starling::ledger
