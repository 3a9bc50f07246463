#include "api/submission.h"

#include <utility>

#include "api/ledger_endpoints.h"
#include "api/state_queries.h"

namespace starling::api {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kBytesType = "application/octet-stream";

base::Error too_many() {
  return base::limit_error("a request holds at most " + std::to_string(kMaxSubmitted) + " transactions");
}

base::Result<ledger::ReadTransaction> from_json(const base::Json& json) {
  ledger::ReadTransaction read;
  STARLING_ASSIGN(read.transaction, ledger::transaction_from_json(json));
  const base::Bytes bytes = ledger::encode_transaction(read.transaction);
  read.id = ledger::transaction_id(bytes);
  read.bytes = bytes.size();
  return read;
}

base::Result<Submission> read_json(const std::string& body) {
  const base::JsonLimits limits{.bytes = kMaxSubmitBytes, .depth = 16, .values = std::size_t{1} << 20};
  STARLING_ASSIGN(const base::Json json, base::Json::parse(body, "the body", limits));
  Submission submission;
  if (json.is_object()) {
    submission.push_back(from_json(json));
    return submission;
  }
  if (!json.is_array()) return base::invalid("the body is neither a transaction nor an array of transactions");
  if (json.elements().size() > kMaxSubmitted) return too_many();
  for (const base::Json& element : json.elements()) submission.push_back(from_json(element));
  return submission;
}

base::Result<Submission> read_bytes(base::ByteView body) {
  Submission submission;
  while (!body.empty()) {
    if (body.size() < 4) return base::invalid("the body ends within the length of a transaction");
    const std::size_t size = body[0] | body[1] << 8U | body[2] << 16U | static_cast<std::size_t>(body[3]) << 24U;
    body = body.subspan(4);
    if (size > body.size()) {
      return base::invalid("transaction " + std::to_string(submission.size()) + " of the body says it has " +
                           std::to_string(size) + " bytes, and " + std::to_string(body.size()) + " are left");
    }
    if (submission.size() == kMaxSubmitted) return too_many();
    submission.push_back(ledger::read_transaction(body.first(size)));
    body = body.subspan(size);
  }
  return submission;
}

}  // namespace

base::Result<Submission> read_submission(const Request& request) {
  const std::string& type = request.header("content-type");
  const std::string_view plain = std::string_view(type).substr(0, type.find(';'));
  if (plain == kBytesType) return read_bytes(base::as_bytes(request.body));
  if (plain == kJsonType) return read_json(request.body);
  return base::invalid("the Content-Type is application/json or application/octet-stream");
}

base::Json submitted_json(const consensus::Submitted& submitted) {
  base::Json json = ledger::outcome_json(submitted.outcome);
  json.set("id", hash_text(submitted.outcome.id));
  json.set("height", std::to_string(submitted.height));
  json.set("index", submitted.index);
  return json;
}

base::Json malformed_json(const base::Error& error) {
  base::Json json = base::Json::empty_object();
  json.set("code", 1);
  json.set("error", "MALFORMED");
  json.set("message", error.message);
  json.set("height", "0");
  json.set("fee", "0");
  return json;
}

}  // namespace starling::api
