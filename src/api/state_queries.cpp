#include "api/state_queries.h"

#include <utility>

#include "store/state_proof.h"

namespace starling::api {
namespace {

std::string bytes_text(base::ByteView bytes) { return "0x" + base::to_hex(bytes); }

}  // namespace

std::string hash_text(const base::Hash& hash) { return "0x" + hash.hex(); }

base::Result<base::Json> proof_json(const consensus::ChainView& view, base::ByteView key) {
  STARLING_ASSIGN(const store::ProvenValue proven, view.prove(key));
  base::Json json = base::Json::empty_object();
  json.set("key", bytes_text(key));
  json.set("value", proven.value ? base::Json(bytes_text(*proven.value)) : base::Json());
  json.set("proof", bytes_text(store::encode_proof(proven.proof)));
  json.set("header", consensus::header_json(view.header()));
  return json;
}

base::Result<std::size_t> list_limit(const Request& request) {
  STARLING_ASSIGN(const std::uint64_t limit, request.query_u64("limit", 100, kMaxListed));
  return static_cast<std::size_t>(limit);
}

Response answer_query(const consensus::Chain& chain,
                      const std::function<base::Result<base::Json>(const consensus::ChainView& view)>& query) {
  const auto view = chain.view();
  if (!view.ok()) return error_response(view.error());
  const base::Result<base::Json> json = query(**view);
  if (!json.ok()) return error_response(json.error());
  return json_response(*json);
}

base::Status add_proof(const Request& request, const consensus::ChainView& view, base::ByteView key, base::Json& json) {
  STARLING_ASSIGN(const bool wanted, request.query_flag("proof"));
  if (!wanted) return {};
  STARLING_ASSIGN(base::Json proof, proof_json(view, key));
  json.set("proof", std::move(proof));
  return {};
}

base::Result<base::Json> answer_absent(const Request& request, const consensus::ChainView& view, base::ByteView key,
                                       const std::string& name, base::Json value, base::Error why) {
  base::Json json = base::Json::empty_object();
  json.set(name, std::move(value));
  STARLING_TRY(add_proof(request, view, key, json));
  if (!json.has("proof")) return why;
  return json;
}

}  // namespace starling::api
