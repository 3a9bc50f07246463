#include "node/follower.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"

namespace starling::node {

using consensus::Block;
using consensus::Height;
using consensus::SignedHeader;

namespace {

constexpr std::size_t kMaxGenesisBytes = std::size_t{16} << 20;
// Of one answer with blocks: a block of 16 MB of transactions takes some 50 with what became of them.
constexpr std::size_t kMostBlockBytes = std::size_t{256} << 20;

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
  if (forwarder_ != nullptr) forwarder_->stop();
  if (copy_ != nullptr) copy_->stop();
}

base::Status Follower::open() {
  STARLING_ASSIGN(const std::optional<consensus::Origin> origin, find_origin());
  consensus::EmbeddedOptions copy;
  copy.threads = options_.threads;
  STARLING_ASSIGN(copy_, consensus::Embedded::open_copy(options_.home, origin, copy));
  STARLING_ASSIGN(const std::optional<SignedHeader> last, copy_->header(copy_->height()));
  if (!last.has_value()) return base::corrupt("the copy in " + options_.home.string() + " has no last header");
  STARLING_ASSIGN(orderer_, consensus::orderer_of(*last));
  if (options_.orderer.has_value() && orderer_ != *options_.orderer) {
    return base::invalid("the chain of " + options_.upstream + " is ordered by " + orderer_.text() + ", not by " +
                         options_.orderer->text());
  }
  ForwarderOptions forwarding;
  forwarding.patience = options_.patience;
  forwarder_ = std::make_unique<Forwarder>(ledger_, *copy_, forwarding);
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

void Follower::order(std::vector<ledger::ReadTransaction> transactions, const consensus::OrderOptions& options,
                     consensus::Ordered done) {
  forwarder_->order(std::move(transactions), options, std::move(done));
}

}  // namespace starling::node
