#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/http.h"
#include "base/json.h"
#include "consensus/chain.h"
#include "ledger/json_fields.h"

namespace starling::api {

// "0x" and the digits.
std::string hash_text(const base::Hash& hash);

// {"key", "value", "proof", "header"}: bytes in hexadecimal with 0x, value null when there is no such entry; the
// header as consensus::header_json() writes it.
base::Result<base::Json> proof_json(const consensus::ChainView& view, base::ByteView key);

// What a list is asked for: ?after= and ?limit=.
inline constexpr std::size_t kMaxListed = 1'000;
base::Result<std::size_t> list_limit(const Request& request);

// Runs a query on the state after the last block. What it returns is answered, an error as error_response() has it.
Response answer_query(const consensus::Chain& chain,
                      const std::function<base::Result<base::Json>(const consensus::ChainView& view)>& query);

// Adds the proof of this key when the request asks with ?proof=1.
base::Status add_proof(const Request& request, const consensus::ChainView& view, base::ByteView key, base::Json& json);

// What is answered for a key without an entry: the error; when the request asks for a proof, the record's name and the
// proof that there is none.
base::Result<base::Json> answer_absent(const Request& request, const consensus::ChainView& view, base::ByteView key,
                                       const std::string& name, base::Json value, base::Error why);

// The record's fields after its name.
template <typename Record>
base::Json named_json(const std::string& name, base::Json value, const Record& record) {
  base::Json json = ledger::to_json(record);
  json.set(name, std::move(value));
  return json;
}

}  // namespace starling::api
