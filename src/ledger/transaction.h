#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/signature.h"
#include "ledger/amount.h"
#include "ledger/message.h"

namespace starling::ledger {

inline constexpr std::size_t kMaxTransactionBytes = std::size_t{16} << 10;

// One message of one account. docs/ledger.md has the format; transaction.proto has it for protobuf compilers.
struct Transaction {
  std::uint64_t chain_id = 0;
  base::Address from;
  std::uint64_t nonce = 0;  // how many transactions the account has made before
  Motes fee = 0;            // paid whatever becomes of the message
  Message message;
  base::Signature signature;
};

base::Bytes encode_transaction(const Transaction& transaction);
// kCorrupt unless these are the very bytes that encode_transaction() would write, and within the bounds. Says nothing
// of the signature.
base::Result<Transaction> decode_transaction(base::ByteView bytes);
// SHA-256 of a transaction's bytes: its name.
base::Hash transaction_id(base::ByteView bytes);

// The digest that is signed: EIP-712 over the message's fields, then from, nonce and fee; the type has the message's
// name.
base::Hash signing_digest(const Transaction& transaction);
// Sets from and the signature.
void sign_transaction(Transaction& transaction, const base::SecretKey& key);
// Whether `from` signed it. Thread safe; needs no state.
bool signature_holds(const Transaction& transaction);

// What eth_signTypedData_v4 takes, and with the signature what transaction_from_json() takes.
base::Json typed_data_json(const Transaction& transaction);
base::Json transaction_json(const Transaction& transaction);
// Reads domain.chainId, primaryType, message and signature, all of them needed; types are ignored, since they follow
// from the name.
base::Result<Transaction> transaction_from_json(const base::Json& json);

// The name of the message's type, such as "Transfer".
const char* message_name(const Message& message);
// What executing it costs at most, in units of about one transfer.
std::uint64_t message_work(const Message& message);

}  // namespace starling::ledger
