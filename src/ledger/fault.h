#pragma once

#include <cstdint>
#include <span>

namespace starling::ledger {

// Why a transaction did not do what it asked. Numbers are part of results and never change meaning; docs/ledger.md
// lists them.
enum class Fault : std::uint16_t {
  // Not admitted: the block goes on as if the transaction were not in it.
  kWrongChain = 100,
  kBadSignature = 101,
  kNonceUsed = 102,
  kNonceAhead = 103,
  kFeeTooLow = 104,
  kCannotPayFee = 105,
  kBlockFull = 106,
  // From here on the fee is paid and the nonce used; nothing else happened.
  kZeroAmount = 200,
  kBalanceTooLow = 201,
  kModelUnknown = 300,
  kModelTaken = 301,
  kModelRootZero = 302,
  kNotModelOwner = 303,
  kRoyaltyTooHigh = 304,
  kNotProvider = 400,
  kProviderInvalid = 401,
  kStakeTooLow = 402,
  kStakeInUse = 403,
  kBenchmarkNotRunning = 404,
  kTaskUnknown = 410,
  kTaskEmpty = 411,
  kTaskTimesInvalid = 412,
  kAssuranceUnsupported = 413,
  kPriceOverflow = 414,
  kNothingOpen = 420,
  kClaimTwice = 421,
  kRateTooHigh = 422,
  kMemoryTooSmall = 423,
  kNoFreeSlot = 424,
  kSuspended = 425,
  kTooLate = 426,
  kAuctionFull = 427,
  kNoBenchmark = 428,
  kPartUnknown = 430,
  kNotHolder = 431,
  kPartState = 432,
  kCommitmentMismatch = 433,
  kProgressInvalid = 434,
  kNotRequester = 440,
  kTaskOver = 441,
};

struct FaultRow {
  Fault fault;
  const char* name;      // as in JSON
  const char* sentence;  // what was wrong and what to do
};

std::span<const FaultRow> fault_table();
const FaultRow& describe(Fault fault);
// Whether a transaction with this fault left its fee and used its nonce.
constexpr bool is_charged(Fault fault) { return static_cast<std::uint16_t>(fault) >= 200; }

}  // namespace starling::ledger
