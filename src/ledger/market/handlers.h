#pragma once

#include "ledger/context.h"
#include "ledger/market/expected.h"
#include "ledger/market/messages.h"
#include "ledger/schedule.h"

namespace starling::ledger::market {

std::optional<Fault> handle(Context& context, const Expected& expected, const RegisterProvider& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const AddStake& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const WithdrawStake& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const SubmitTask& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const ClaimTask& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const ReportProgress& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const CommitResult& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const RevealResult& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const CancelTask& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const StartBenchmark& message);
std::optional<Fault> handle(Context& context, const Expected& expected, const ReportBenchmark& message);

// A deadline of the market fell due.
void fall_due(Context& context, const Expected& expected, const Deadline& deadline);

}  // namespace starling::ledger::market
