#pragma once

#include <variant>

#include "ledger/bank/messages.h"
#include "ledger/market/messages.h"
#include "ledger/models/messages.h"

namespace starling::ledger {

// What a transaction can ask for, by ascending number.
//
// Messages, like the records of the state, are structs that show their fields to a visitor in a fixed order: number,
// name, value, and for texts and lists the most bytes or elements, for lists of texts also the most bytes of each.
// From this one description follow the protobuf bytes, the EIP-712 types and the JSON of a message.
using Message = std::variant<bank::Transfer, models::RegisterModel, models::UpdateModel, market::RegisterProvider,
                             market::AddStake, market::WithdrawStake, market::SubmitTask, market::ClaimTask,
                             market::ReportProgress, market::CommitResult, market::RevealResult, market::CancelTask,
                             market::StartBenchmark, market::ReportBenchmark>;

}  // namespace starling::ledger
