#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/signature.h"

namespace starling::ledger {

// Visitors (see message.h) for EIP-712, "Typed structured data hashing and signing". Integers are uint32 and uint64,
// addresses address, hashes bytes32, texts string, and lists arrays of those.

struct TypedField {
  std::string name;
  std::string type;
};

// Collects names and types.
class TypedFields {
 public:
  void operator()(std::uint32_t number, const char* name, std::uint32_t value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t value);
  void operator()(std::uint32_t number, const char* name, const base::Address& value);
  void operator()(std::uint32_t number, const char* name, const base::Hash& value);
  void operator()(std::uint32_t number, const char* name, const std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  const std::vector<TypedField>& fields() const { return fields_; }
  // encodeType: Name(type name,...).
  std::string type_text(const char* struct_name) const;

 private:
  std::vector<TypedField> fields_;
};

// Collects the 32-byte words of encodeData.
class TypedWords {
 public:
  explicit TypedWords(const base::Hash& type_hash) { word(type_hash); }
  void operator()(std::uint32_t number, const char* name, std::uint32_t value);
  void operator()(std::uint32_t number, const char* name, std::uint64_t value);
  void operator()(std::uint32_t number, const char* name, const base::Address& value);
  void operator()(std::uint32_t number, const char* name, const base::Hash& value);
  void operator()(std::uint32_t number, const char* name, const std::string& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<base::Hash>& value, std::size_t limit);
  void operator()(std::uint32_t number, const char* name, const std::vector<std::string>& value, std::size_t limit,
                  std::size_t item_limit);
  // hashStruct.
  base::Hash hash() const { return base::keccak256(words_); }

 private:
  void word(const base::Hash& value);
  base::Bytes words_;
};

// The domain: name "Starling", version "1" and the chain's number.
std::vector<TypedField> domain_fields();
base::Hash domain_separator(std::uint64_t chain_id);
// keccak256(0x19 0x01 ‖ domain ‖ struct): what is signed.
base::Hash typed_digest(const base::Hash& domain, const base::Hash& struct_hash);

inline constexpr const char* kDomainName = "Starling";
inline constexpr const char* kDomainVersion = "1";

}  // namespace starling::ledger
