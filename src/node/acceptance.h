#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "consensus/header.h"
#include "proof/receipt.h"

namespace starling::node {

// What lies beside a receipt that a network accepted: the ledger's record of the part it is the result of, with a proof
// against a block's header. Whoever has that header needs nothing else: no model, no node, no other block.
struct Acceptance {
  std::uint64_t task = 0;
  std::uint32_t part = 0;
  base::Bytes record;              // ledger::market::Part as the state holds it
  store::StateProof proof;         // of the record, against header
  consensus::SignedHeader header;  // as the node gave it; trust another copy
  // That the video was written to where it was fetched, which the provider who signed the receipt cannot know. Signed
  // by nobody; nothing for a sequence of pictures.
  std::optional<proof::OutputFile> file;
};

// {"format": "starling acceptance 1", "task", "part", "record", "proof", "header", "file"}; docs/node.md describes
// them.
base::Json acceptance_json(const Acceptance& acceptance);
base::Result<Acceptance> read_acceptance(const base::Json& json);

// From what a gateway answers to GET /v1/tasks/{task}/parts/{part}?proof=1; nothing of it is checked.
base::Result<Acceptance> acceptance_from_gateway(std::uint64_t task, std::uint32_t part, const base::Json& answer);

// Whether it is the acceptance of this receipt, by its own word.
bool is_of(const Acceptance& acceptance, std::string_view receipt_text);

inline constexpr std::size_t kMaxAcceptanceBytes = std::size_t{1} << 20;

// Whether the ledger, as of this header, accepted exactly this receipt: the first thing that does not hold. orderer:
// who must have signed the header; nothing: anybody. The receipt itself is checked as by proof::check_receipt().
std::optional<proof::Difference> check_acceptance(const Acceptance& acceptance, const consensus::SignedHeader& header,
                                                  const std::optional<base::Address>& orderer,
                                                  std::string_view receipt_text);

}  // namespace starling::node
