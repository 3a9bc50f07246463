#include "ledger/fault.h"

#include <algorithm>
#include <array>

#include "base/result.h"

namespace starling::ledger {
namespace {

constexpr auto kFaults = std::to_array<FaultRow>({
    {Fault::kWrongChain, "WRONG_CHAIN", "The transaction is for another chain; sign it with this chain's id."},
    {Fault::kBadSignature, "BAD_SIGNATURE", "The signature is not that of the sender; sign the transaction again."},
    {Fault::kNonceUsed, "NONCE_USED", "The account has used this nonce; a transaction counts once only."},
    {Fault::kNonceAhead, "NONCE_AHEAD", "Transactions of this account before this one are missing; send them first."},
    {Fault::kFeeTooLow, "FEE_TOO_LOW", "The fee is less than the transaction's bytes and work cost; offer more."},
    {Fault::kCannotPayFee, "CANNOT_PAY_FEE", "The account's balance is less than the fee; add credits to it."},
    {Fault::kBlockFull, "BLOCK_FULL", "The block has no room for the transaction; send it again."},
    {Fault::kZeroAmount, "ZERO_AMOUNT", "The amount is zero; name one above it."},
    {Fault::kBalanceTooLow, "BALANCE_TOO_LOW",
     "The account's balance is less than the amount; add credits or ask less."},
    {Fault::kModelUnknown, "MODEL_UNKNOWN", "Nobody has registered this model; register it first."},
    {Fault::kModelTaken, "MODEL_TAKEN", "This model is registered already; only its owner may change it."},
    {Fault::kModelRootZero, "MODEL_ROOT_ZERO", "The model's root is zero, which stands for no model."},
    {Fault::kNotModelOwner, "NOT_MODEL_OWNER", "The model belongs to another account."},
    {Fault::kRoyaltyTooHigh, "ROYALTY_TOO_HIGH", "The royalty is above 5,000 basis points; ask at most half."},
    {Fault::kNotProvider, "NOT_PROVIDER", "The account is no provider; register as one first."},
    {Fault::kProviderInvalid, "PROVIDER_INVALID", "A provider has 1 to 64 slots, some memory and a rate above zero."},
    {Fault::kStakeTooLow, "STAKE_TOO_LOW", "The provider's free stake does not back this; add stake."},
    {Fault::kStakeInUse, "STAKE_IN_USE", "That much of the stake is not free; wait until the parts it backs are over."},
    {Fault::kBenchmarkNotRunning, "BENCHMARK_NOT_RUNNING",
     "No benchmark of the provider runs, or its seed is not drawn yet; start one first."},
    {Fault::kTaskUnknown, "TASK_UNKNOWN", "There is no such task."},
    {Fault::kTaskEmpty, "TASK_EMPTY", "A task has at least one part, and work, calls and a maximum price above zero."},
    {Fault::kTaskTimesInvalid, "TASK_TIMES_INVALID",
     "A time limit lasts at least a second, and the deadline lies at least the time limit and at most 30 days ahead."},
    {Fault::kAssuranceUnsupported, "ASSURANCE_UNSUPPORTED", "The only assurance there is so far is \"single\"."},
    {Fault::kPriceOverflow, "PRICE_OVERFLOW", "The maximum price of all parts together is more than there can be."},
    {Fault::kNothingOpen, "NOTHING_OPEN", "The task has no part that anybody could take; choose another."},
    {Fault::kClaimTwice, "CLAIM_TWICE", "The provider has a claim in this auction already."},
    {Fault::kRateTooHigh, "RATE_TOO_HIGH",
     "The rate is zero, above what the provider registered, or leads above the task's maximum price; ask less."},
    {Fault::kMemoryTooSmall, "MEMORY_TOO_SMALL", "The task needs more memory than the provider registered."},
    {Fault::kNoFreeSlot, "NO_FREE_SLOT", "The provider holds as many parts as it has slots, or asks for none."},
    {Fault::kSuspended, "SUSPENDED", "The provider missed a deadline and may not claim yet; wait."},
    {Fault::kTooLate, "TOO_LATE", "The time for this is over."},
    {Fault::kAuctionFull, "AUCTION_FULL", "This auction has all the claims it can have; wait for the next."},
    {Fault::kNoBenchmark, "NO_BENCHMARK",
     "The provider has reported no benchmark that is young enough; start one and report it."},
    {Fault::kPartUnknown, "PART_UNKNOWN", "The task has no such part."},
    {Fault::kNotHolder, "NOT_HOLDER", "The part is not held by this account."},
    {Fault::kPartState, "PART_STATE", "The part is not in the state that this follows."},
    {Fault::kCommitmentMismatch, "COMMITMENT_MISMATCH", "What was revealed is not what was committed."},
    {Fault::kProgressInvalid, "PROGRESS_INVALID",
     "Progress grows, and stays below the number of the program's calls; commit the result of all."},
    {Fault::kNotRequester, "NOT_REQUESTER", "The task belongs to another account."},
    {Fault::kTaskOver, "TASK_OVER", "The task is over or cancelled already."},
});

constexpr bool ascends() {
  for (std::size_t i = 1; i < kFaults.size(); ++i) {
    if (kFaults[i - 1].fault >= kFaults[i].fault) return false;
  }
  return true;
}
static_assert(ascends(), "faults go by ascending number");

}  // namespace

std::span<const FaultRow> fault_table() { return kFaults; }

const FaultRow& describe(Fault fault) {
  const auto* const row = std::lower_bound(kFaults.begin(), kFaults.end(), fault,
                                           [](const FaultRow& entry, Fault wanted) { return entry.fault < wanted; });
  if (row == kFaults.end() || row->fault != fault) base::halt("a fault is missing from the table of faults");
  return *row;
}

}  // namespace starling::ledger
