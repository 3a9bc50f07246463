#include "consensus/history.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "ledger/chain.h"
#include "ledger/record.h"
#include "ledger/schedule.h"
#include "store/snapshot_file.h"

namespace starling::consensus {
namespace {

namespace fs = std::filesystem;

// Of entries of the state that are kept in memory for the next blocks: an account takes some 100.
constexpr std::size_t kCachedBytes = std::size_t{256} << 20;
// Transactions that are executed again before the state is written.
constexpr std::size_t kReplayedTogether = 100'000;
constexpr std::size_t kMaxGenesisBytes = std::size_t{1} << 30;

fs::path state_folder(const fs::path& home) { return home / "state"; }
fs::path log_folder(const fs::path& home) { return home / "blocks"; }
fs::path genesis_file(const fs::path& home) { return home / "genesis.json"; }

// Notes beside the state: where a block lies and its header, by height; where a transaction lies, by the first half of
// its id, which is as good as the whole until somebody makes 2^64 transactions to find two that share it.
ledger::Key block_note(Height height) { return ledger::Key('b', 'h').add(height); }
ledger::Key transaction_note(const base::Hash& id) {
  return ledger::Key('b', 't').add(base::ByteView(id.bytes).first(16));
}

base::Bytes encode_place(const Place& place) {
  base::Encoder encoder;
  encoder.u64(place.height);
  encoder.u32(place.index);
  return encoder.data();
}

base::Bytes encode_block_note(const LogPosition& position, const SignedHeader& header) {
  base::Encoder encoder;
  encoder.u64(position.file);
  encoder.u64(position.offset);
  encoder.bytes(encode_header(header));
  return encoder.data();
}

struct BlockNote {
  LogPosition position;
  SignedHeader header;
};

base::Result<BlockNote> decode_block_note(base::ByteView bytes) {
  base::Decoder decoder(bytes);
  BlockNote note;
  note.position.file = decoder.u64();
  note.position.offset = decoder.u64();
  const base::Bytes header = decoder.bytes(bytes.size());
  STARLING_TRY(decoder.finish());
  STARLING_ASSIGN(note.header, decode_header(header));
  return note;
}

bool same_event(const ledger::Event& left, const ledger::Event& right) {
  return left.name == right.name &&
         std::ranges::equal(left.attributes, right.attributes, [](const auto& one, const auto& other) {
           return one.name == other.name && one.value == other.value;
         });
}

// Whether a block says of its transactions what became of them.
bool same_outcomes(const Block& block, const ledger::BlockResult& result) {
  return std::ranges::equal(block.due, result.events, same_event) &&
         std::ranges::equal(block.outcomes, result.outcomes, [](const auto& left, const auto& right) {
           return left.id == right.id && left.fault == right.fault && left.fee == right.fee &&
                  std::ranges::equal(left.events, right.events, same_event);
         });
}

base::Error cannot_write() {
  return base::io_error("the chain takes no more blocks since writing one failed; mend the disk and start again");
}

class StateView final : public ChainView {
 public:
  StateView(std::unique_ptr<store::StateSnapshot> snapshot, SignedHeader header)
      : snapshot_(std::move(snapshot)), header_(header) {}
  const SignedHeader& header() const override { return header_; }
  base::Result<std::optional<base::Bytes>> get(base::ByteView key) const override { return snapshot_->get(key); }
  base::Status scan_from(base::ByteView prefix, base::ByteView from, const Visit& visit) const override {
    return snapshot_->scan_from(prefix, from, visit);
  }
  base::Result<store::ProvenValue> prove(base::ByteView key) const override { return snapshot_->prove(key); }

 private:
  std::unique_ptr<store::StateSnapshot> snapshot_;
  SignedHeader header_;
};

}  // namespace

base::Result<std::unique_ptr<History>> History::open(const fs::path& home, const std::optional<base::Json>& genesis,
                                                     const SealGenesis& seal, const HistoryOptions& options) {
  STARLING_TRY(base::make_directories(home));
  std::unique_ptr<History> history(new History());
  STARLING_ASSIGN(history->state_,
                  store::StateStore::open(state_folder(home), {.threads = options.threads,
                                                               .cache_bytes = options.cache_bytes,
                                                               .unwritten_leaves = options.unwritten_leaves,
                                                               .synced = false}));
  STARLING_TRY(history->begin(home, genesis, seal));
  STARLING_ASSIGN(history->log_, BlockLog::open(log_folder(home), options.log_file_bytes));
  STARLING_ASSIGN(history->parameters_, ledger::chain_parameters(*history->state_));
  STARLING_ASSIGN(history->last_, decode_header(history->state_->state().metadata));
  history->threads_ = options.threads;
  history->cache_ = std::make_unique<StateCache>(*history->state_, kCachedBytes);
  STARLING_TRY(history->cache_->fill());
  std::optional<LogPosition> position;
  STARLING_ASSIGN(const std::optional<base::Bytes> note,
                  history->state_->note(block_note(history->last_.header.height)));
  if (note.has_value()) {
    STARLING_ASSIGN(const BlockNote decoded, decode_block_note(*note));
    position = decoded.position;
  }
  // What the state lacks, in parts that fit into memory, with the tree written once for each.
  std::vector<Block> blocks;
  std::vector<LogPosition> positions;
  std::size_t transactions = 0;
  const auto execute = [&]() -> base::Status {
    if (blocks.empty()) return {};
    STARLING_ASSIGN(const store::PreparedCommit prepared, history->replay(blocks, true));
    STARLING_TRY(history->commit(prepared, blocks, positions));
    blocks.clear();
    positions.clear();
    transactions = 0;
    return {};
  };
  STARLING_TRY(history->log_->recover(history->last_, position, [&](Block block, const LogPosition& at) {
    transactions += block.transactions.size();
    blocks.push_back(std::move(block));
    positions.push_back(at);
    return transactions < kReplayedTogether && blocks.size() < kReplayedTogether ? base::Status() : execute();
  }));
  STARLING_TRY(execute());
  return history;
}

bool History::exists(const fs::path& home) { return BlockLog::exists(log_folder(home)); }

base::Status History::begin(const fs::path& home, const std::optional<base::Json>& genesis, const SealGenesis& seal) {
  const bool has_log = BlockLog::exists(log_folder(home));
  std::error_code error;
  const bool has_genesis = fs::exists(genesis_file(home), error);
  std::optional<std::string> text;
  if (genesis.has_value()) {
    STARLING_ASSIGN(text, genesis->canonical());
  }
  if (has_genesis && text.has_value()) {
    STARLING_ASSIGN(const std::string own, base::read_text_file(genesis_file(home), kMaxGenesisBytes));
    if (own != *text) {
      return base::invalid(home.string() + " holds a chain that began from another genesis; choose another folder");
    }
  }
  if (!state_->state().empty) {
    if (has_log) return {};
    if (state_->height() != 0) {
      return base::corrupt("the log of blocks in " + log_folder(home).string() +
                           " is missing; put a copy in its place, or start again from a snapshot");
    }
    STARLING_ASSIGN(const SignedHeader header, decode_header(state_->state().metadata));
    return BlockLog::begin(log_folder(home), header);
  }
  // The state is made from the genesis: for the first time, or again when it was lost and the log was not.
  if (!has_genesis && has_log) {
    return base::corrupt("the state in " + state_folder(home).string() + " is missing; start again from a snapshot");
  }
  if (!has_genesis && !text.has_value()) {
    return base::not_found("there is no chain in " + home.string() + "; name a genesis to begin one");
  }
  std::optional<base::Json> parsed;
  if (!genesis.has_value()) {
    STARLING_ASSIGN(const std::string own, base::read_text_file(genesis_file(home), kMaxGenesisBytes));
    STARLING_ASSIGN(parsed, base::Json::parse(own, genesis_file(home).string(),
                                              {.bytes = kMaxGenesisBytes, .depth = 64, .values = kMaxGenesisBytes}));
  }
  STARLING_ASSIGN(std::vector<store::Write> writes, ledger::read_genesis(genesis.has_value() ? *genesis : *parsed));
  store::MemoryState first;
  STARLING_TRY(first.apply(writes));
  STARLING_ASSIGN(const ledger::ChainParameters parameters, ledger::chain_parameters(first));
  STARLING_ASSIGN(const ledger::Header header, ledger::last_header(first));
  STARLING_ASSIGN(store::PreparedCommit prepared, state_->prepare(std::move(writes)));
  BlockHeader sealed;
  sealed.chain_id = parameters.chain_id;
  sealed.time = header.time;
  sealed.transactions_root = transactions_root({});
  sealed.outcomes_root = ledger::outcomes_root({});
  sealed.state_root = prepared.root();
  SignedHeader before;
  if (has_log) {
    // The first header as it was signed then, perhaps with another key.
    STARLING_ASSIGN(const std::unique_ptr<BlockLog> log, BlockLog::open(log_folder(home), 0));
    if (log->base().header != sealed) {
      return base::corrupt("the log of blocks in " + log_folder(home).string() +
                           " does not begin with the genesis in " + genesis_file(home).string());
    }
    before = log->base();
  } else {
    STARLING_ASSIGN(before, seal(sealed));
  }
  if (!has_genesis) STARLING_TRY(base::write_file(genesis_file(home), base::as_bytes(*text)));
  STARLING_TRY(state_->commit(prepared, 0, encode_header(before)));
  if (has_log) return {};
  return BlockLog::begin(log_folder(home), before);
}

base::Result<std::optional<std::uint64_t>> History::next_deadline() const { return ledger::next_deadline(*cache_); }

base::Result<Execution> History::execute(std::uint64_t time, std::span<const ledger::ReadTransaction> transactions,
                                         std::vector<base::Bytes> bytes, const base::SecretKey& orderer) {
  ledger::Header header;
  header.height = last_.header.height + 1;
  header.time = time;
  header.previous = header_hash(last_.header);
  STARLING_ASSIGN(const std::optional<std::uint64_t> deadline, next_deadline());
  STARLING_ASSIGN(ledger::BlockResult result, ledger::execute_block(*cache_, header, transactions));
  // What was not admitted changed nothing, so the block without it comes to the same.
  std::vector<std::optional<ledger::Fault>> refused(result.outcomes.size());
  std::vector<base::Hash> ids;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < refused.size(); ++i) {
    const std::optional<ledger::Fault> fault = result.outcomes[i].fault;
    if (fault.has_value() && !ledger::is_charged(*fault)) {
      refused[i] = fault;
      continue;
    }
    ids.push_back(result.outcomes[i].id);
    if (kept != i) {
      bytes[kept] = std::move(bytes[i]);
      result.outcomes[kept] = std::move(result.outcomes[i]);
    }
    ++kept;
  }
  bytes.resize(kept);
  result.outcomes.resize(kept);
  Execution execution;
  execution.refused_ = std::move(refused);
  execution.due_ = deadline.has_value() && *deadline <= time;
  if (kept == 0 && !execution.due_) return execution;
  STARLING_ASSIGN(store::PreparedCommit prepared, state_->prepare(std::move(result.writes)));
  BlockHeader sealed;
  sealed.chain_id = parameters_.chain_id;
  sealed.height = header.height;
  sealed.time = time;
  sealed.previous = header.previous;
  sealed.transactions_root = transactions_root(ids);
  sealed.outcomes_root = ledger::outcomes_root(result);
  sealed.state_root = prepared.root();
  execution.prepared_ = std::move(prepared);
  execution.block_ = {sign_header(sealed, orderer), std::move(bytes), std::move(result.outcomes),
                      std::move(result.events)};
  return execution;
}

base::Status History::keep(const Execution& execution) {
  if (failed_) return cannot_write();
  const base::Result<std::vector<LogPosition>> positions = log_->append({&execution.block_, 1});
  if (!positions.ok()) {
    failed_ = !log_->writable();
    return positions.error();
  }
  return commit(*execution.prepared_, {&execution.block_, 1}, *positions);
}

base::Status History::commit(const store::PreparedCommit& prepared, std::span<const Block> blocks,
                             std::span<const LogPosition> positions) {
  std::vector<store::Write> notes;
  const auto note = [&](base::ByteView key, base::Bytes value) {
    notes.push_back({base::Bytes(key.begin(), key.end()), std::move(value)});
  };
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Block& block = blocks[b];
    const Height height = block.header.header.height;
    note(block_note(height), encode_block_note(positions[b], block.header));
    for (std::size_t i = 0; i < block.outcomes.size(); ++i) {
      note(transaction_note(block.outcomes[i].id), encode_place({height, static_cast<std::uint32_t>(i)}));
    }
  }
  const SignedHeader& header = blocks.back().header;
  const base::Status committed = state_->commit(prepared, header.header.height, encode_header(header), notes);
  if (!committed.ok()) {
    failed_ = true;
    return committed.error();
  }
  cache_->settle(prepared.writes());
  last_ = header;
  return {};
}

base::Result<store::PreparedCommit> History::replay(std::span<const Block> blocks, bool verified) {
  base::ThreadPool pool(threads_);
  std::vector<std::vector<ledger::ReadTransaction>> transactions(blocks.size());
  std::vector<std::pair<std::size_t, std::size_t>> all;  // block and index of each transaction
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    transactions[b].resize(blocks[b].transactions.size());
    for (std::size_t i = 0; i < transactions[b].size(); ++i) all.emplace_back(b, i);
  }
  std::atomic<bool> sound = true;
  constexpr std::size_t kGrain = 32;
  pool.run(all.size(), kGrain, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t at = begin; at < end; ++at) {
      const auto [b, i] = all[at];
      auto read = ledger::read_transaction(blocks[b].transactions[i]);
      if (!read.ok()) {
        sound = false;
        continue;
      }
      read->verified = verified;
      if (!ledger::verify(*read)) sound = false;
      transactions[b][i] = *std::move(read);
    }
  });
  if (!sound) return base::corrupt("a block has a transaction that is none, or is not signed by its sender");

  std::vector<ledger::BlockResult> results(blocks.size());
  SignedHeader last = last_;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const BlockHeader& header = blocks[b].header.header;
    if (header.chain_id != parameters_.chain_id || header.height != last.header.height + 1 ||
        header.previous != header_hash(last.header)) {
      return base::corrupt("block " + std::to_string(header.height) + " does not follow block " +
                           std::to_string(last.header.height));
    }
    STARLING_ASSIGN(results[b],
                    ledger::execute_block(*cache_, {header.height, header.time, header.previous}, transactions[b]));
    cache_->apply(results[b].writes);
    last = blocks[b].header;
  }
  pool.run(blocks.size(), 1, [&](std::size_t begin, std::size_t end, int /*thread*/) {
    for (std::size_t b = begin; b < end; ++b) {
      std::vector<base::Hash> ids;
      for (const ledger::ReadTransaction& read : transactions[b]) ids.push_back(read.id);
      const BlockHeader& header = blocks[b].header.header;
      if (transactions_root(ids) != header.transactions_root ||
          ledger::outcomes_root(results[b]) != header.outcomes_root || !same_outcomes(blocks[b], results[b])) {
        sound = false;
      }
    }
  });
  STARLING_ASSIGN(store::PreparedCommit prepared, state_->prepare(cache_->changes()));
  if (!sound || prepared.root() != last.header.state_root) {
    return base::corrupt("the blocks " + std::to_string(blocks.front().header.header.height) + " to " +
                         std::to_string(last.header.height) + " do not lead to the state that they say");
  }
  return prepared;
}

base::Status History::follow(std::span<const Block> blocks, bool verified) {
  if (blocks.empty()) return {};
  if (failed_) return cannot_write();
  base::Result<store::PreparedCommit> prepared = replay(blocks, verified);
  if (!prepared.ok()) {
    cache_->forget();
    return prepared.error();
  }
  const base::Result<std::vector<LogPosition>> positions = log_->append(blocks);
  if (!positions.ok()) {
    cache_->forget();
    failed_ = !log_->writable();
    return positions.error();
  }
  return commit(*prepared, blocks, *positions);
}

base::Status History::export_snapshot(const fs::path& file) const {
  STARLING_ASSIGN(const std::unique_ptr<store::StateSnapshot> snapshot, state_->snapshot());
  return store::export_snapshot(*snapshot, file);
}

base::Status History::import_snapshot(const fs::path& file, const fs::path& home,
                                      const std::optional<SignedHeader>& trusted_header, int threads) {
  STARLING_ASSIGN(const store::SnapshotHeader head, store::read_snapshot_header(file));
  const base::Result<SignedHeader> header = decode_header(head.metadata);
  if (!header.ok() || header->header.height != head.height || header->header.state_root != head.root ||
      !orderer_of(*header).ok()) {
    return base::corrupt("the snapshot " + file.string() + " is of no block; get one that a node exported");
  }
  if (trusted_header.has_value() && *trusted_header != *header) {
    return base::invalid("the snapshot " + file.string() +
                         " is of another block than the header says; get the one of block " +
                         std::to_string(trusted_header->header.height));
  }
  std::error_code error;
  if (fs::exists(home, error) && !fs::is_empty(home, error)) {
    return base::invalid(home.string() + " is not an empty folder; choose another one for the chain");
  }
  const fs::path whole = fs::absolute(home, error).lexically_normal();
  const fs::path target = whole.has_filename() ? whole : whole.parent_path();
  const fs::path unfinished = target.parent_path() / ("." + target.filename().string() + ".importing");
  fs::remove_all(unfinished, error);
  STARLING_TRY(base::make_directories(unfinished));
  const auto make = [&]() -> base::Status {
    STARLING_TRY(
        store::import_snapshot(file, state_folder(unfinished), header->header.state_root, {.threads = threads}));
    STARLING_TRY(BlockLog::begin(log_folder(unfinished), *header));
    fs::rename(unfinished, target, error);
    if (error) return base::system_error("write", target, error.value());
    return base::sync_directory(target.parent_path());
  };
  base::Status made = make();
  if (!made.ok()) fs::remove_all(unfinished, error);
  return made;
}

base::Result<std::shared_ptr<const ChainView>> History::view() const {
  STARLING_ASSIGN(std::unique_ptr<store::StateSnapshot> snapshot, state_->snapshot());
  STARLING_ASSIGN(const SignedHeader header, decode_header(snapshot->state().metadata));
  return std::shared_ptr<const ChainView>(std::make_shared<StateView>(std::move(snapshot), header));
}

base::Result<std::optional<SignedHeader>> History::header(Height height) const {
  if (height == log_->base().header.height) return std::optional(log_->base());
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, state_->note(block_note(height)));
  if (!bytes.has_value()) return std::optional<SignedHeader>();
  STARLING_ASSIGN(const BlockNote note, decode_block_note(*bytes));
  return std::optional(note.header);
}

base::Result<std::optional<Block>> History::block(Height height) const {
  if (height == 0 && log_->base().header.height == 0) return std::optional(Block{log_->base(), {}, {}, {}});
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, state_->note(block_note(height)));
  if (!bytes.has_value()) return std::optional<Block>();
  STARLING_ASSIGN(const BlockNote note, decode_block_note(*bytes));
  STARLING_ASSIGN(Block block, log_->read(note.position));
  if (block.header != note.header) {
    return base::corrupt("block " + std::to_string(height) + " of the log is another one than the state was made of");
  }
  return std::optional(std::move(block));
}

base::Result<std::optional<Place>> History::find_transaction(const base::Hash& id) const {
  STARLING_ASSIGN(const std::optional<base::Bytes> bytes, state_->note(transaction_note(id)));
  if (!bytes.has_value()) return std::optional<Place>();
  base::Decoder decoder(*bytes);
  Place place;
  place.height = decoder.u64();
  place.index = decoder.u32();
  STARLING_TRY(decoder.finish());
  return std::optional(place);
}

}  // namespace starling::consensus
