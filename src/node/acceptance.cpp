#include "node/acceptance.h"

#include <string>

#include "ledger/market/state.h"
#include "ledger/record.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

constexpr const char* kAcceptanceFormat = "starling acceptance 1";

std::string hex(base::ByteView bytes) { return "0x" + base::to_hex(bytes); }

base::Result<base::Bytes> read_hex(const base::Json& json, std::string_view key) {
  STARLING_ASSIGN(const std::string text, json.text(key));
  if (!text.starts_with("0x")) return base::corrupt("\"" + std::string(key) + "\" is not 0x and hexadecimal digits");
  return base::from_hex(std::string_view(text).substr(2));
}

proof::Difference differs(const std::string& what) { return {"acceptance: " + what}; }

}  // namespace

base::Json acceptance_json(const Acceptance& acceptance) {
  base::Json json = base::Json::empty_object();
  json.set("format", kAcceptanceFormat);
  json.set("task", acceptance.task);
  json.set("part", acceptance.part);
  json.set("record", hex(acceptance.record));
  json.set("proof", hex(store::encode_proof(acceptance.proof)));
  json.set("header", consensus::header_json(acceptance.header));
  if (acceptance.file.has_value()) json.set("file", proof::to_json(*acceptance.file));
  return json;
}

base::Result<Acceptance> read_acceptance(const base::Json& json) {
  Acceptance acceptance;
  STARLING_ASSIGN(const std::string format, json.text("format"));
  if (format != kAcceptanceFormat)
    return base::unsupported("this is no \"" + std::string(kAcceptanceFormat) + "\" file");
  STARLING_ASSIGN(acceptance.task, json.u64("task"));
  STARLING_ASSIGN(const std::int64_t part, json.integer("part", 0, market::kMaxParts));
  acceptance.part = static_cast<std::uint32_t>(part);
  STARLING_ASSIGN(acceptance.record, read_hex(json, "record"));
  STARLING_ASSIGN(const base::Bytes proof, read_hex(json, "proof"));
  STARLING_ASSIGN(acceptance.proof, store::decode_proof(proof));
  STARLING_ASSIGN(const base::Json* const header, json.object("header"));
  STARLING_ASSIGN(acceptance.header, consensus::read_header_json(*header));
  if (json.has("file")) {
    STARLING_ASSIGN(const base::Json* const file, json.object("file"));
    STARLING_ASSIGN(acceptance.file, proof::output_file_from_json(*file));
  }
  return acceptance;
}

bool is_of(const Acceptance& acceptance, std::string_view receipt_text) {
  const base::Result<market::Part> part = ledger::decode_record<market::Part>(acceptance.record);
  return part.ok() && part->receipt == base::sha256(base::as_bytes(receipt_text));
}

base::Result<Acceptance> acceptance_from_gateway(std::uint64_t task, std::uint32_t part, const base::Json& answer) {
  Acceptance acceptance;
  acceptance.task = task;
  acceptance.part = part;
  STARLING_ASSIGN(const base::Json* const proven, answer.object("proof"));
  STARLING_ASSIGN(acceptance.record, read_hex(*proven, "value"));
  STARLING_ASSIGN(const base::Bytes proof, read_hex(*proven, "proof"));
  STARLING_ASSIGN(acceptance.proof, store::decode_proof(proof));
  STARLING_ASSIGN(const base::Json* const header, proven->object("header"));
  STARLING_ASSIGN(acceptance.header, consensus::read_header_json(*header));
  return acceptance;
}

std::optional<proof::Difference> check_acceptance(const Acceptance& acceptance, const consensus::SignedHeader& header,
                                                  const std::optional<base::Address>& orderer,
                                                  std::string_view receipt_text) {
  const base::Result<proof::Receipt> receipt = proof::parse_receipt(receipt_text);
  if (!receipt.ok()) return proof::Difference{"receipt: " + receipt.error().message};
  if (auto difference = proof::check_receipt(*receipt)) return difference;

  if (header.header != acceptance.header.header) {
    return differs("its proof is for block " + std::to_string(acceptance.header.header.height) +
                   " and the header is that of another block, " + std::to_string(header.header.height));
  }
  const ledger::Key key = market::part_key(acceptance.task, acceptance.part);
  const base::Status proven =
      consensus::verify_state_proof(header, orderer, key, base::ByteView(acceptance.record), acceptance.proof);
  if (!proven.ok()) return differs(proven.error().message);

  const base::Result<market::Part> part = ledger::decode_record<market::Part>(acceptance.record);
  if (!part.ok()) return differs("the ledger's record is malformed: " + part.error().message);
  if (part->state != market::PartState::kRevealed && part->state != market::PartState::kPaid) {
    return differs(std::string("the ledger has the part as ") + market::name_of(part->state));
  }
  if (part->receipt != base::sha256(base::as_bytes(receipt_text)))
    return differs("the ledger accepted another receipt");
  if (part->provider != receipt->executor) return differs("the receipt is not signed by the provider of the part");
  if (part->output_root != receipt->output_root || part->trace_root != receipt->trace_root) {
    return differs("the roots in the ledger are not those of the receipt");
  }
  return std::nullopt;
}

}  // namespace starling::node
