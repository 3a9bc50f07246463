#include "ledger/execute.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/merkle.h"
#include "ledger/bank/state.h"
#include "ledger/chain.h"
#include "ledger/modules.h"
#include "ledger/schedule.h"

namespace starling::ledger {
namespace {

constexpr std::uint64_t kMaxTime = std::uint64_t{1} << 53U;

#ifdef NDEBUG
constexpr bool kCheckInvariants = false;
#else
constexpr bool kCheckInvariants = true;
#endif

// What is left of a block.
struct Room {
  std::uint64_t bytes;
  std::uint64_t work;
};

// Everything that can be said against a transaction before it costs anything. `nonce`: the one that is due.
std::optional<Fault> refuse(const ChainParameters& chain, const ReadTransaction& read, const bank::Account& account,
                            std::uint64_t nonce) {
  const Transaction& transaction = read.transaction;
  if (transaction.chain_id != chain.chain_id) return Fault::kWrongChain;
  if (transaction.nonce < nonce) return Fault::kNonceUsed;
  const auto least = least_fee(chain, read.bytes, message_work(transaction.message));
  if (!least.has_value() || transaction.fee < *least) return Fault::kFeeTooLow;
  if (account.motes < transaction.fee) return Fault::kCannotPayFee;
  // It may wait for others, and who cannot pay keeps nobody waiting.
  if (transaction.nonce > nonce) return Fault::kNonceAhead;
  // The dearest check comes last.
  if (!read.verified && !signature_holds(transaction)) return Fault::kBadSignature;
  return std::nullopt;
}

// Of the first few transactions.
constexpr std::size_t kExpectedTogether = 64;
void expect_accounts(const store::StateView& state, std::span<const ReadTransaction> transactions) {
  for (const ReadTransaction& read : transactions.first(std::min(kExpectedTogether, transactions.size()))) {
    state.expect(bank::account_key(read.transaction.from));
    if (const auto* transfer = std::get_if<bank::Transfer>(&read.transaction.message)) {
      state.expect(bank::account_key(transfer->to));
    }
  }
}

Outcome execute(Overlay& state, const ChainParameters& chain, const Header& header, const ReadTransaction& read,
                Room& room) {
  const Transaction& transaction = read.transaction;
  Outcome outcome{.id = read.id, .fault = std::nullopt, .fee = 0, .events = {}};
  const std::uint64_t work = message_work(transaction.message);
  if (read.bytes > room.bytes || work > room.work) {
    outcome.fault = Fault::kBlockFull;
    return outcome;
  }
  bank::Account account = bank::load_account(state, transaction.from);
  outcome.fault = refuse(chain, read, account, account.nonce);
  if (outcome.fault.has_value()) return outcome;
  room.bytes -= read.bytes;
  room.work -= work;

  account.motes -= transaction.fee;
  account.nonce += 1;
  bank::save_account(state, transaction.from, account);
  if (transaction.fee > 0) bank::credit(state, chain.fee_account, transaction.fee);
  outcome.fee = transaction.fee;

  const Overlay::Mark mark = state.mark();
  Context context{state, header, outcome.events, transaction.from};
  outcome.fault = handle(context, transaction.message);
  if (outcome.fault.has_value()) {
    state.rewind(mark);
    outcome.events.clear();
  }
  return outcome;
}

void encode_events(base::Encoder& encoder, const std::vector<Event>& events) {
  encoder.u32(static_cast<std::uint32_t>(events.size()));
  for (const Event& event : events) {
    encoder.text(event.name);
    encoder.u32(static_cast<std::uint32_t>(event.attributes.size()));
    for (const Event::Attribute& attribute : event.attributes) {
      encoder.text(attribute.name);
      encoder.text(attribute.value);
    }
  }
}

}  // namespace

base::Result<ReadTransaction> read_transaction(base::ByteView bytes) {
  STARLING_ASSIGN(Transaction transaction, decode_transaction(bytes));
  return ReadTransaction{std::move(transaction), transaction_id(bytes), bytes.size(), false};
}

bool verify(ReadTransaction& transaction) {
  if (!transaction.verified) transaction.verified = signature_holds(transaction.transaction);
  return transaction.verified;
}

void verify_all(std::span<ReadTransaction> transactions, base::ThreadPool& pool) {
  pool.run(transactions.size(), 8, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t i = begin; i < end; ++i) verify(transactions[i]);
  });
}

base::Result<BlockResult> execute_block(const store::StateView& state, const Header& header,
                                        std::span<const ReadTransaction> transactions) {
  STARLING_ASSIGN(const ChainParameters chain, chain_parameters(state));
  STARLING_ASSIGN(const Header last, last_header(state));
  if (header.height != last.height + 1) {
    return base::invalid("block " + std::to_string(header.height) + " does not follow block " +
                         std::to_string(last.height));
  }
  if (header.time < last.time || header.time > kMaxTime) {
    return base::invalid("the time of block " + std::to_string(header.height) +
                         " lies before that of the last block or beyond 2^53 milliseconds");
  }
  Overlay overlay(state);
  BlockResult result;
  Context context{overlay, header, result.events, {}};
  for (const Deadline& deadline : due(overlay, header.time, kMaxDueInBlock)) {
    // One that fell due before it may have called it off.
    if (take(overlay, deadline)) fall_due(context, deadline);
  }
  Room room{chain.max_block_bytes, chain.max_block_work};
  result.outcomes.reserve(transactions.size());
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    if (i % kExpectedTogether == 0) expect_accounts(state, transactions.subspan(i));
    result.outcomes.push_back(execute(overlay, chain, header, transactions[i], room));
    STARLING_TRY(overlay.status());
  }
  save_last_header(overlay, header);
  STARLING_TRY(overlay.status());
  if (kCheckInvariants) {
    const base::Status sound = check_invariants(overlay);
    // Not when it was the reading that failed.
    if (!sound.ok() && sound.error().code == base::ErrorCode::kInternal) base::halt(sound.error().message.c_str());
    STARLING_TRY(sound);
  }
  result.writes = overlay.writes();
  return result;
}

base::Result<std::optional<Fault>> admit(const store::StateView& state, const ReadTransaction& transaction,
                                         std::uint64_t nonce) {
  STARLING_ASSIGN(const ChainParameters chain, chain_parameters(state));
  STARLING_ASSIGN(const auto account,
                  read_record<bank::Account>(state, bank::account_key(transaction.transaction.from)));
  return refuse(chain, transaction, account.value_or(bank::Account()), nonce);
}

base::Hash outcomes_root(const BlockResult& result) {
  std::vector<base::Hash> leaves;
  base::Encoder block;
  encode_events(block, result.events);
  leaves.push_back(base::merkle_leaf(block.data()));
  for (const Outcome& outcome : result.outcomes) {
    base::Encoder encoder;
    encoder.hash(outcome.id);
    encoder.u16(outcome.fault.has_value() ? static_cast<std::uint16_t>(*outcome.fault) : std::uint16_t{0});
    encoder.u64(outcome.fee);
    encode_events(encoder, outcome.events);
    leaves.push_back(base::merkle_leaf(encoder.data()));
  }
  return base::merkle_root(leaves);
}

base::Json outcome_json(const Outcome& outcome) {
  base::Json json = base::Json::empty_object();
  json.set("id", outcome.id.hex());
  json.set("fee", std::to_string(outcome.fee));
  if (outcome.fault.has_value()) {
    const FaultRow& row = describe(*outcome.fault);
    json.set("code", static_cast<std::uint16_t>(row.fault));
    json.set("error", row.name);
    json.set("message", row.sentence);
  } else {
    json.set("code", 0);
  }
  base::Json events = base::Json::empty_array();
  for (const Event& event : outcome.events) {
    base::Json entry = base::Json::empty_object();
    entry.set("event", event.name);
    for (const Event::Attribute& attribute : event.attributes) entry.set(attribute.name, attribute.value);
    events.push(std::move(entry));
  }
  json.set("events", std::move(events));
  return json;
}

}  // namespace starling::ledger
