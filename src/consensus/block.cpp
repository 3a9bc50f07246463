#include "consensus/block.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/merkle.h"

namespace starling::consensus {
namespace {

// Far more than any event has; a bound for what is read.
constexpr std::size_t kMaxText = std::size_t{1} << 16;

void encode_events(base::Encoder& encoder, const std::vector<ledger::Event>& events) {
  encoder.u32(static_cast<std::uint32_t>(events.size()));
  for (const ledger::Event& event : events) {
    encoder.text(event.name);
    encoder.u32(static_cast<std::uint32_t>(event.attributes.size()));
    for (const ledger::Event::Attribute& attribute : event.attributes) {
      encoder.text(attribute.name);
      encoder.text(attribute.value);
    }
  }
}

// Reads what encode_block() wrote; the first failure is kept.
class BlockReader {
 public:
  explicit BlockReader(base::ByteView bytes) : decoder_(bytes) {}

  base::Result<Block> read() {
    Block block;
    constexpr std::size_t kMaxHeaderBytes = 1024;
    STARLING_ASSIGN(block.header, decode_header(decoder_.bytes(kMaxHeaderBytes)));
    block.due = events();
    constexpr std::size_t kLeastTransaction = 18;
    const std::size_t transactions = count(kLeastTransaction);
    block.transactions.reserve(transactions);
    block.outcomes.reserve(transactions);
    for (std::size_t i = 0; i < transactions && decoder_.ok(); ++i) {
      block.transactions.push_back(decoder_.bytes(ledger::kMaxTransactionBytes));
      block.outcomes.push_back(outcome(block.transactions.back()));
    }
    if (!whole_ || !decoder_.finish().ok()) return base::corrupt("a block does not follow its format");
    return block;
  }

 private:
  // A number of items of at least `bytes` each: what is left bounds it, and so the memory.
  std::size_t count(std::size_t bytes) {
    const std::size_t items = decoder_.u32();
    if (items <= decoder_.remaining() / bytes) return items;
    whole_ = false;
    return 0;
  }

  std::vector<ledger::Event> events() {
    constexpr std::size_t kLeastEvent = 8;
    std::vector<ledger::Event> events(count(kLeastEvent));
    for (ledger::Event& event : events) {
      event.name = decoder_.text(kMaxText);
      event.attributes.resize(count(kLeastEvent));
      for (ledger::Event::Attribute& attribute : event.attributes) {
        attribute.name = decoder_.text(kMaxText);
        attribute.value = decoder_.text(kMaxText);
      }
    }
    return events;
  }

  ledger::Outcome outcome(const base::Bytes& transaction) {
    ledger::Outcome outcome;
    outcome.id = ledger::transaction_id(transaction);
    if (const std::uint16_t number = decoder_.u16(); number != 0) {
      const auto fault = static_cast<ledger::Fault>(number);
      if (!ledger::is_charged(fault) ||
          !std::ranges::binary_search(ledger::fault_table(), fault, {}, &ledger::FaultRow::fault)) {
        whole_ = false;
      }
      outcome.fault = fault;
    }
    outcome.fee = decoder_.u64();
    outcome.events = events();
    return outcome;
  }

  base::Decoder decoder_;
  bool whole_ = true;
};

}  // namespace

base::Hash transactions_root(std::span<const base::Hash> ids) {
  std::vector<base::Hash> leaves;
  leaves.reserve(ids.size());
  for (const base::Hash& id : ids) leaves.push_back(base::merkle_leaf(id.bytes));
  return base::merkle_root(leaves);
}

base::Bytes encode_block(const Block& block) {
  base::Encoder encoder;
  encoder.bytes(encode_header(block.header));
  encode_events(encoder, block.due);
  encoder.u32(static_cast<std::uint32_t>(block.transactions.size()));
  for (std::size_t i = 0; i < block.transactions.size(); ++i) {
    const ledger::Outcome& outcome = block.outcomes[i];
    encoder.bytes(block.transactions[i]);
    encoder.u16(outcome.fault.has_value() ? static_cast<std::uint16_t>(*outcome.fault) : std::uint16_t{0});
    encoder.u64(outcome.fee);
    encode_events(encoder, outcome.events);
  }
  return encoder.data();
}

base::Result<Block> decode_block(base::ByteView bytes) { return BlockReader(bytes).read(); }

}  // namespace starling::consensus
