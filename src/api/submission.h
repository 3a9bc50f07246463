#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/http.h"
#include "base/json.h"
#include "consensus/chain.h"
#include "ledger/execute.h"

namespace starling::api {

// What a request to submit holds: for each transaction what it is, or why it is none.
using Submission = std::vector<base::Result<ledger::ReadTransaction>>;

// application/json: one EIP-712 object with "signature", or an array of them; application/octet-stream: transactions'
// bytes, each after its length as u32, little-endian. An error when the body as a whole cannot be taken apart.
base::Result<Submission> read_submission(const Request& request);

// The members of one result: of a transaction in a block, refused, or none at all (code 1, "MALFORMED").
base::Json submitted_json(const consensus::Submitted& submitted);
base::Json malformed_json(const base::Error& error);

}  // namespace starling::api
