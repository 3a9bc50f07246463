#include "node/follower.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "ledger/fault.h"

namespace starling::node {

using consensus::Block;
using consensus::Height;
using consensus::SignedHeader;
using consensus::Submitted;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxGenesisBytes = std::size_t{16} << 20;
// Of one answer with blocks: a block of 16 MB of transactions takes some 50 with what became of them.
constexpr std::size_t kMostBlockBytes = std::size_t{256} << 20;
// Handed on in one request: what the answer says of them stays within an answer's bounds.
constexpr std::size_t kHandedOnTogether = 5'000;
constexpr std::chrono::milliseconds kLongPoll{10'000};
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{5'000};

base::Result<std::string> get(HttpClient& http, const std::string& url, std::size_t most_bytes,
                              std::function<bool()> cancelled) {
  HttpRequest request;
  request.url = url;
  request.most_bytes = most_bytes;
  request.cancelled = std::move(cancelled);
  STARLING_ASSIGN(HttpReply reply, http.send(request));
  STARLING_TRY(reply_status(url, reply));
  return std::move(reply.body);
}

base::Result<std::vector<Block>> read_blocks(base::ByteView bytes, const std::string& url) {
  std::vector<Block> blocks;
  base::Decoder decoder(bytes);
  while (decoder.ok() && decoder.remaining() > 0) {
    const base::Bytes encoded = decoder.bytes(kMostBlockBytes);
    if (!decoder.ok()) break;
    STARLING_ASSIGN(Block block, consensus::decode_block(encoded));
    blocks.push_back(std::move(block));
  }
  if (!decoder.finish().ok()) return base::corrupt(url + " sends what are no blocks");
  return blocks;
}

base::Error wrong_signer(const std::string& url, Height height, const std::string& expected) {
  return base::corrupt(url + ": block " + std::to_string(height) + " is not signed by " + expected +
                       ", who orders this chain");
}

// What a refusal's number stands for.
base::Result<ledger::Fault> refusal_of(const std::string& url, std::uint32_t code) {
  for (const ledger::FaultRow& row : ledger::fault_table()) {
    if (static_cast<std::uint32_t>(row.fault) == code && !ledger::is_charged(row.fault)) return row.fault;
  }
  return base::corrupt(url + " refuses a transaction for no reason there is (" + std::to_string(code) + ")");
}

}  // namespace

Follower::Follower(FollowerOptions options, HttpClient& http, base::Metrics& metrics)
    : options_(std::move(options)),
      http_(http),
      behind_(metrics.gauge("starling_follower_behind", "Blocks that the node followed has and the copy does not.")),
      ledger_(http, options_.upstream,
              [this] { return stopping_.load() || (options_.cancelled != nullptr && options_.cancelled()); }) {}

base::Result<std::unique_ptr<Follower>> Follower::start(FollowerOptions options, HttpClient& http,
                                                        base::Metrics& metrics) {
  std::unique_ptr<Follower> follower(new Follower(std::move(options), http, metrics));
  STARLING_TRY(follower->open());
  const auto upstream = follower->ledger_.status();
  if (upstream.ok()) {
    STARLING_TRY(follower->catch_up(upstream->height));
  } else if (upstream.error().code != base::ErrorCode::kIo) {
    return upstream.error();
  }
  follower->thread_ = std::thread([raw = follower.get()] { raw->run(); });
  return follower;
}

Follower::~Follower() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Follower::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (copy_ != nullptr) copy_->stop();
}

base::Status Follower::open() {
  STARLING_ASSIGN(const std::optional<consensus::Origin> origin, find_origin());
  STARLING_ASSIGN(copy_, consensus::Embedded::open_copy(options_.home, origin, {.threads = options_.threads}));
  STARLING_ASSIGN(const std::optional<SignedHeader> last, copy_->header(copy_->height()));
  if (!last.has_value()) return base::corrupt("the copy in " + options_.home.string() + " has no last header");
  STARLING_ASSIGN(orderer_, consensus::orderer_of(*last));
  if (options_.orderer.has_value() && orderer_ != *options_.orderer) {
    return base::invalid("the chain of " + options_.upstream + " is ordered by " + orderer_.text() + ", not by " +
                         options_.orderer->text());
  }
  return {};
}

// The header is left empty for a copy that was begun before.
base::Result<std::optional<consensus::Origin>> Follower::find_origin() const {
  const bool begun = consensus::Embedded::exists(options_.home);
  consensus::Origin origin;
  if (options_.genesis.has_value()) {
    origin.genesis = *options_.genesis;
  } else if (begun) {
    return std::optional<consensus::Origin>();
  } else {
    const std::string url = options_.upstream + "/v1/genesis";
    STARLING_ASSIGN(const std::string text, get(http_, url, kMaxGenesisBytes, options_.cancelled));
    STARLING_ASSIGN(origin.genesis,
                    base::Json::parse(text, url, {.bytes = kMaxGenesisBytes, .depth = 64, .values = kMaxGenesisBytes}));
  }
  if (!begun) {
    STARLING_ASSIGN(const base::Json header, ledger_.query("blocks/0/header"));
    STARLING_ASSIGN(origin.header, consensus::read_header_json(header));
  }
  return std::optional(origin);
}

base::Result<std::vector<Block>> Follower::next_blocks() const {
  const std::string url = options_.upstream + "/v1/blocks?after=" + std::to_string(copy_->height());
  STARLING_ASSIGN(const std::string body, get(http_, url, kMostBlockBytes, [this] {
                    return stopping_.load() || (options_.cancelled != nullptr && options_.cancelled());
                  }));
  STARLING_ASSIGN(std::vector<Block> blocks, read_blocks(base::as_bytes(body), url));
  for (const Block& block : blocks) {
    const base::Result<base::Address> signer = consensus::orderer_of(block.header);
    if (!signer.ok() || *signer != orderer_) {
      return wrong_signer(options_.upstream, block.header.header.height, orderer_.text());
    }
  }
  return blocks;
}

base::Status Follower::catch_up(Height target) {
  while (copy_->height() < target) {
    if (stopping_) return base::cancelled("the copy of the chain is being closed");
    behind_.set(static_cast<double>(target - copy_->height()));
    STARLING_ASSIGN(const std::vector<Block> blocks, next_blocks());
    if (blocks.empty()) {
      return base::corrupt(options_.upstream + " has no block " + std::to_string(copy_->height() + 1) +
                           ", which it says there is");
    }
    STARLING_TRY(copy_->follow(blocks, false));
  }
  behind_.set(0);
  return {};
}

void Follower::run() {
  std::string last_trouble;
  auto pause = kFirstPause;
  while (!stopping_) {
    const base::Status status = [&]() -> base::Status {
      STARLING_ASSIGN(const ChainTip tip, ledger_.wait(copy_->height(), kLongPoll));
      return catch_up(tip.height);
    }();
    if (status.ok()) {
      if (!last_trouble.empty()) base::log(base::LogLevel::kInfo, "the chain is followed again");
      last_trouble.clear();
      pause = kFirstPause;
      continue;
    }
    if (stopping_ || status.error().code == base::ErrorCode::kCancelled) return;
    if (status.error().message != last_trouble) {
      base::log(base::LogLevel::kWarning, "the chain cannot be followed; trying again",
                {{"node", options_.upstream}, {"reason", status.error().message}});
    }
    last_trouble = status.error().message;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [this] { return stopping_.load(); });
    pause = std::min(2 * pause, kLongestPause);
  }
}

base::Result<std::vector<Submitted>> Follower::submit(std::vector<ledger::ReadTransaction> transactions) {
  std::vector<Submitted> all;
  const std::span<const ledger::ReadTransaction> rest(transactions);
  for (std::size_t at = 0; at < rest.size(); at += kHandedOnTogether) {
    STARLING_ASSIGN(std::vector<Submitted> some,
                    hand_on(rest.subspan(at, std::min(kHandedOnTogether, rest.size() - at))));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

base::Result<std::vector<Submitted>> Follower::hand_on(std::span<const ledger::ReadTransaction> transactions) const {
  std::vector<ledger::Transaction> plain;
  plain.reserve(transactions.size());
  for (const ledger::ReadTransaction& read : transactions) plain.push_back(read.transaction);
  STARLING_ASSIGN(const std::vector<Receipted> answers, ledger_.submit(plain));
  std::vector<Submitted> results;
  std::optional<Block> block;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const base::Hash id = ledger::transaction_id(ledger::encode_transaction(plain[i]));
    if (answers[i].height != 0) {
      STARLING_ASSIGN(Submitted result, placed(id, answers[i].height, block));
      results.push_back(std::move(result));
      continue;
    }
    STARLING_ASSIGN(const ledger::Fault fault, refusal_of(options_.upstream, answers[i].code));
    results.push_back({0, 0, {id, fault, 0, {}}});
  }
  return results;
}

// Of a transaction that is in a block here, or will be. block: the one that was read last.
base::Result<Submitted> Follower::placed(const base::Hash& id, Height height, std::optional<Block>& block) const {
  const Clock::time_point end = Clock::now() + options_.patience;
  while (copy_->height() < height) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (stopping_) return base::cancelled("the node is stopping; send the transactions again later");
    if (left.count() <= 0) {
      return base::io_error("block " + std::to_string(height) + ", which has the transaction, did not come from " +
                            options_.upstream + " in time; send the transactions again, which does nothing twice");
    }
    copy_->wait(copy_->height(), std::min(left, kFirstPause));
  }
  STARLING_ASSIGN(const std::optional<consensus::Place> place, copy_->find_transaction(id));
  if (place.has_value() && (!block.has_value() || block->header.header.height != place->height)) {
    STARLING_ASSIGN(block, copy_->block(place->height));
  }
  if (!place.has_value() || !block.has_value() || place->index >= block->outcomes.size() ||
      block->outcomes[place->index].id != id) {
    return base::corrupt(options_.upstream + " says that the transaction " + id.hex() + " is in block " +
                         std::to_string(height) + ", and it is not");
  }
  return Submitted{place->height, place->index, block->outcomes[place->index]};
}

}  // namespace starling::node
