#include "consensus/header.h"

#include <algorithm>

#include "base/encoding.h"
#include "ledger/json_fields.h"
#include "ledger/record.h"

namespace starling::consensus {
namespace {

constexpr std::size_t kSignatureBytes = 65;

}  // namespace

base::Hash header_hash(const BlockHeader& header) {
  base::Encoder encoder;
  encoder.text("starling header");
  base::Bytes bytes = encoder.data();
  const base::Bytes fields = ledger::encode_record(header);
  bytes.insert(bytes.end(), fields.begin(), fields.end());
  return base::sha256(bytes);
}

SignedHeader sign_header(const BlockHeader& header, const base::SecretKey& orderer) {
  return {header, orderer.sign(base::personal_digest(header_hash(header).bytes))};
}

base::Result<base::Address> orderer_of(const SignedHeader& header) {
  STARLING_ASSIGN(const base::PublicKey key,
                  base::recover(base::personal_digest(header_hash(header.header).bytes), header.signature));
  return key.address();
}

base::Json header_json(const SignedHeader& header) {
  base::Json json = base::Json::empty_object();
  json.set("header", ledger::to_json(header.header));
  json.set("signature", "0x" + header.signature.hex());
  return json;
}

base::Result<SignedHeader> read_header_json(const base::Json& json) {
  STARLING_ASSIGN(const base::Json* const fields, json.object("header"));
  STARLING_ASSIGN(const std::string signature, json.text("signature"));
  if (json.members().size() != 2) return base::invalid("a signed header has the members header and signature only");
  SignedHeader header;
  ledger::JsonReader reader(*fields);
  BlockHeader::fields(header.header, reader);
  const base::Status status = reader.finish();
  if (!status.ok()) return base::invalid("header: " + status.error().message);
  STARLING_ASSIGN(header.signature, base::Signature::from_hex(signature));
  return header;
}

base::Bytes encode_header(const SignedHeader& header) {
  base::Bytes bytes = ledger::encode_record(header.header);
  bytes.insert(bytes.end(), header.signature.bytes.begin(), header.signature.bytes.end());
  return bytes;
}

base::Result<SignedHeader> decode_header(base::ByteView bytes) {
  if (bytes.size() < kSignatureBytes) return base::corrupt("a signed header ends early");
  SignedHeader header;
  STARLING_ASSIGN(header.header, ledger::decode_record<BlockHeader>(bytes.first(bytes.size() - kSignatureBytes)));
  std::ranges::copy(bytes.last(kSignatureBytes), header.signature.bytes.begin());
  return header;
}

base::Status verify_state_proof(const SignedHeader& header, const std::optional<base::Address>& orderer,
                                base::ByteView key, const std::optional<base::ByteView>& value,
                                const store::StateProof& proof) {
  STARLING_ASSIGN(const base::Address signer, orderer_of(header));
  if (orderer.has_value() && signer != *orderer) {
    return base::corrupt("the header of block " + std::to_string(header.header.height) + " is signed by " +
                         signer.text() + ", not by " + orderer->text());
  }
  if (!store::verify_proof(header.header.state_root, key, value, proof)) {
    return base::corrupt("the proof does not show this entry in the state of block " +
                         std::to_string(header.header.height));
  }
  return {};
}

}  // namespace starling::consensus
