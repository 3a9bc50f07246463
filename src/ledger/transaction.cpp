#include "ledger/transaction.h"

#include <array>
#include <utility>

#include "ledger/json_fields.h"
#include "ledger/protobuf.h"
#include "ledger/typed_data.h"

namespace starling::ledger {
namespace {

constexpr std::size_t kMessages = std::variant_size_v<Message>;

// The fields of the signed struct that every message shares; they follow the message's own.
template <typename Self, typename Visitor>
void envelope_fields(Self& self, Visitor& visit) {
  visit(0, "from", self.from);
  visit(0, "nonce", self.nonce);
  visit(0, "fee", self.fee);
}

template <std::size_t... I>
constexpr bool numbers_ascend(std::index_sequence<I...> /*indices*/) {
  constexpr std::array<std::uint32_t, kMessages> kNumbers = {std::variant_alternative_t<I, Message>::kNumber...};
  for (std::size_t i = 1; i < kMessages; ++i) {
    if (kNumbers[i - 1] >= kNumbers[i]) return false;
  }
  return kNumbers[0] >= 16;
}
static_assert(numbers_ascend(std::make_index_sequence<kMessages>()), "messages go by ascending number, from 16");

// Makes the message of a number or a name: calls make<T>() with each type until one is taken.
template <typename Take, std::size_t... I>
bool any_message(Take&& take, std::index_sequence<I...> /*indices*/) {
  return (take(std::variant_alternative_t<I, Message>{}) || ...);
}
template <typename Take>
bool any_message(Take&& take) {
  return any_message(std::forward<Take>(take), std::make_index_sequence<kMessages>());
}

template <typename M>
TypedFields typed_fields() {
  TypedFields fields;
  const M message;
  M::fields(message, fields);
  const Transaction transaction;
  envelope_fields(transaction, fields);
  return fields;
}

template <typename M>
const base::Hash& type_hash() {
  static const base::Hash hash = base::keccak256(base::as_bytes(typed_fields<M>().type_text(M::kName)));
  return hash;
}

base::Json fields_json(const std::vector<TypedField>& fields) {
  base::Json list = base::Json::empty_array();
  for (const TypedField& field : fields) {
    base::Json entry = base::Json::empty_object();
    entry.set("name", field.name);
    entry.set("type", field.type);
    list.push(std::move(entry));
  }
  return list;
}

}  // namespace

base::Bytes encode_transaction(const Transaction& transaction) {
  ProtobufWriter writer;
  writer(1, "chain_id", transaction.chain_id);
  writer(2, "from", transaction.from);
  writer(3, "nonce", transaction.nonce);
  writer(4, "fee", transaction.fee);
  writer(5, "signature", transaction.signature);
  std::visit(
      [&](const auto& message) {
        using M = std::decay_t<decltype(message)>;
        ProtobufWriter inner;
        M::fields(message, inner);
        writer.message(M::kNumber, inner.data());
      },
      transaction.message);
  return writer.data();
}

base::Result<Transaction> decode_transaction(base::ByteView bytes) {
  if (bytes.size() > kMaxTransactionBytes) {
    return base::limit_error("a transaction has at most " + std::to_string(kMaxTransactionBytes) +
                             " bytes, this one has " + std::to_string(bytes.size()));
  }
  Transaction transaction;
  ProtobufReader reader(bytes);
  reader(1, "chain_id", transaction.chain_id);
  reader(2, "from", transaction.from);
  reader(3, "nonce", transaction.nonce);
  reader(4, "fee", transaction.fee);
  reader(5, "signature", transaction.signature);
  const std::uint32_t number = reader.next_number();
  if (number == 0) {
    const base::Status outer = reader.finish();
    return base::corrupt("this is no transaction: " + (outer.ok() ? "it has no message" : outer.error().message));
  }
  base::Status status = base::corrupt("there is no message of number " + std::to_string(number));
  any_message([&](auto message) {
    using M = decltype(message);
    if (M::kNumber != number) return false;
    ProtobufReader inner(reader.message(number, M::kName));
    M::fields(message, inner);
    status = inner.finish();
    if (status.ok()) status = reader.finish();
    transaction.message = std::move(message);
    return true;
  });
  if (!status.ok()) return base::corrupt("this is no transaction: " + status.error().message);
  return transaction;
}

base::Hash transaction_id(base::ByteView bytes) { return base::sha256(bytes); }

base::Hash signing_digest(const Transaction& transaction) {
  const base::Hash struct_hash = std::visit(
      [&](const auto& message) {
        using M = std::decay_t<decltype(message)>;
        TypedWords words(type_hash<M>());
        M::fields(message, words);
        envelope_fields(transaction, words);
        return words.hash();
      },
      transaction.message);
  return typed_digest(domain_separator(transaction.chain_id), struct_hash);
}

void sign_transaction(Transaction& transaction, const base::SecretKey& key) {
  transaction.from = key.address();
  transaction.signature = key.sign(signing_digest(transaction));
}

bool signature_holds(const Transaction& transaction) {
  return base::verify(signing_digest(transaction), transaction.signature, transaction.from);
}

base::Json typed_data_json(const Transaction& transaction) {
  base::Json domain = base::Json::empty_object();
  domain.set("name", kDomainName);
  domain.set("version", kDomainVersion);
  domain.set("chainId", transaction.chain_id);
  base::Json types = base::Json::empty_object();
  types.set("EIP712Domain", fields_json(domain_fields()));
  JsonWriter values;
  std::visit(
      [&](const auto& message) {
        using M = std::decay_t<decltype(message)>;
        types.set(M::kName, fields_json(typed_fields<M>().fields()));
        M::fields(message, values);
      },
      transaction.message);
  envelope_fields(transaction, values);
  base::Json json = base::Json::empty_object();
  json.set("domain", std::move(domain));
  json.set("types", std::move(types));
  json.set("primaryType", message_name(transaction.message));
  json.set("message", values.object());
  return json;
}

base::Json transaction_json(const Transaction& transaction) {
  base::Json json = typed_data_json(transaction);
  json.set("signature", "0x" + transaction.signature.hex());
  return json;
}

base::Result<Transaction> transaction_from_json(const base::Json& json) {
  Transaction transaction;
  STARLING_ASSIGN(const base::Json* const domain, json.object("domain"));
  const base::Json* const chain = domain->find("chainId");
  if (chain == nullptr) return base::invalid("domain.chainId: missing");
  STARLING_ASSIGN(transaction.chain_id, json_u64(*chain));
  STARLING_ASSIGN(const std::string name, json.text("primaryType"));
  STARLING_ASSIGN(const base::Json* const values, json.object("message"));
  STARLING_ASSIGN(const std::string signature, json.text("signature"));
  STARLING_ASSIGN(transaction.signature, base::Signature::from_hex(signature));
  base::Status status = base::invalid("primaryType: there is no message called '" + name + "'");
  any_message([&](auto message) {
    using M = decltype(message);
    if (name != M::kName) return false;
    JsonReader reader(*values);
    M::fields(message, reader);
    envelope_fields(transaction, reader);
    status = reader.finish();
    transaction.message = std::move(message);
    return true;
  });
  if (!status.ok()) return base::invalid("this is no transaction: " + status.error().message);
  // The bounds are those of the bytes.
  STARLING_TRY(decode_transaction(encode_transaction(transaction)));
  return transaction;
}

const char* message_name(const Message& message) {
  return std::visit([](const auto& m) { return std::decay_t<decltype(m)>::kName; }, message);
}

std::uint64_t message_work(const Message& message) {
  return std::visit([](const auto& m) { return m.work(); }, message);
}

}  // namespace starling::ledger
