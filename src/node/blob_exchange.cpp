#include "node/blob_exchange.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/merkle.h"

namespace starling::node {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxFailures = 3;  // in a row, of a kind that may pass
constexpr auto kPause = std::chrono::milliseconds(200);
// When every piece is on its way, one that takes this long is asked of another source as well.
constexpr auto kOverdue = std::chrono::seconds(1);

// What one failure says of a source.
bool source_may_recover(const base::Error& error) { return error.code == base::ErrorCode::kIo; }

// Of a source that is asked no more: one that lies is called so.
DroppedSource dropped_for(const std::string& source, const base::Error& error) {
  if (error.code != base::ErrorCode::kCorrupt) return {source, error.message};
  return {source, "sends wrong bytes, so it lies or its disk is broken (" + error.message + ")"};
}

std::string list(const std::vector<DroppedSource>& dropped) {
  std::string text;
  for (const DroppedSource& source : dropped) {
    text.append(text.empty() ? "" : "; ").append(source.source).append(": ").append(source.reason);
  }
  return text;
}

// The pieces of one blob on their way from several sources.
class Download {
 public:
  Download(HttpClient& client, store::PartialBlob& blob, const std::vector<std::string>& sources,
           const FetchOptions& options)
      : client_(client), blob_(blob), options_(options), pieces_(blob.manifest().pieces.size()) {
    for (const std::string& source : sources) sources_.push_back({source});
    for (Piece& piece : pieces_) piece.here = true;
    for (const std::size_t missing : blob.missing()) pieces_[missing].here = false;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].here) here_ += blob.manifest().piece_size(i);
    }
  }

  // Until every piece is here, no source is left, or something fails that no other source could mend.
  base::Status run();
  std::uint64_t received() const { return received_; }
  std::vector<DroppedSource> dropped() const { return dropped_; }

 private:
  struct Piece {
    std::atomic<bool> here = false;
    int asked = 0;  // of how many sources at present
    std::size_t source = 0;
    Clock::time_point since;
  };
  struct Source {
    std::string url;
    int busy = 0;      // requests under way
    int failures = 0;  // in a row
    bool dropped = false;
  };
  struct Job {
    std::size_t source = 0;
    std::size_t piece = 0;
  };

  bool cancelled() const { return options_.cancelled && options_.cancelled(); }
  void work();
  std::optional<Job> next();
  std::optional<Job> choose();
  base::Result<base::ByteView> ask(const Job& job, base::Bytes& buffer);
  void arrived(const Job& job);
  void failed(const Job& job, const base::Error& error);

  HttpClient& client_;
  store::PartialBlob& blob_;
  const FetchOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Piece> pieces_;
  std::vector<Source> sources_;
  std::vector<DroppedSource> dropped_;
  std::size_t first_ = 0;  // no piece before it is neither here nor asked for
  std::uint64_t here_ = 0;
  std::uint64_t received_ = 0;
  std::optional<base::Error> error_;  // of this side: the disk is full, somebody cancelled
};

base::Status Download::run() {
  const std::size_t possible = sources_.size() * static_cast<std::size_t>(std::max(1, options_.connections_each));
  const std::size_t count = std::min({blob_.missing().size(), possible,  //
                                      static_cast<std::size_t>(std::max(1, options_.connections))});
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
  for (std::thread& thread : threads) thread.join();
  if (error_) return *error_;
  return {};
}

// Of the sources that may be asked more, one that is asked least; of the pieces one that nobody is asked for, else one
// that another source takes long for.
std::optional<Download::Job> Download::choose() {
  Job job;
  job.source = sources_.size();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.dropped || source.busy >= options_.connections_each) continue;
    if (job.source == sources_.size() || source.busy < sources_[job.source].busy) job.source = i;
  }
  if (job.source == sources_.size()) return std::nullopt;
  while (first_ < pieces_.size() && (pieces_[first_].here || pieces_[first_].asked > 0)) ++first_;
  if (first_ < pieces_.size()) {
    job.piece = first_;
    return job;
  }
  const Clock::time_point now = Clock::now();
  for (job.piece = 0; job.piece < pieces_.size(); ++job.piece) {
    const Piece& piece = pieces_[job.piece];
    if (!piece.here && piece.asked == 1 && piece.source != job.source && now - piece.since > kOverdue) return job;
  }
  return std::nullopt;
}

// What to ask next; nothing when there is nothing more to ask.
std::optional<Download::Job> Download::next() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (cancelled()) error_ = base::cancelled("fetching the blob " + blob_.name().hex() + " was cancelled");
    if (error_ || std::ranges::all_of(sources_, [](const Source& source) { return source.dropped; }) ||
        std::ranges::all_of(pieces_, [](const Piece& piece) { return piece.here.load(); })) {
      changed_.notify_all();
      return std::nullopt;
    }
    if (const std::optional<Job> job = choose()) {
      Piece& piece = pieces_[job->piece];
      ++piece.asked;
      piece.source = job->source;
      piece.since = Clock::now();
      ++sources_[job->source].busy;
      return job;
    }
    changed_.wait_for(lock, kPause);
  }
}

void Download::work() {
  base::Bytes buffer(store::kPieceBytes);
  while (const std::optional<Job> job = next()) {
    const base::Result<base::ByteView> bytes = ask(*job, buffer);
    const base::Status kept = bytes.ok() ? blob_.write_piece(job->piece, *bytes) : bytes.error();
    if (kept.ok()) {
      arrived(*job);
    } else if (!bytes.ok() || kept.error().code == base::ErrorCode::kCorrupt) {
      failed(*job, kept.error());
    } else {
      const std::lock_guard lock(mutex_);
      error_ = kept.error();
      changed_.notify_all();
    }
  }
}

// The bytes that the source sends as this piece: as many as they should be, whatever they are.
base::Result<base::ByteView> Download::ask(const Job& job, base::Bytes& buffer) {
  const std::size_t piece = job.piece;
  const std::size_t size = blob_.manifest().piece_size(piece);
  const std::uint64_t offset = piece * store::kPieceBytes;
  HttpRequest request;
  request.url = blob_url(sources_[job.source].url, blob_.name());
  request.headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1));
  request.most_bytes = size;
  request.slowest = options_.slowest;
  request.slow_time = options_.slow_time;
  request.time = std::chrono::seconds(10 + 2 * store::kPieceBytes / std::max<std::uint64_t>(1, options_.slowest));
  request.cancelled = [this, piece] { return pieces_[piece].here.load() || cancelled(); };
  std::size_t got = 0;
  request.sink = [&](base::ByteView bytes) -> base::Status {
    std::ranges::copy(bytes, buffer.begin() + static_cast<std::ptrdiff_t>(got));
    got += bytes.size();
    return {};
  };
  STARLING_ASSIGN(const HttpReply reply, client_.send(request));
  STARLING_TRY(reply_status(request.url, reply));
  const bool whole = reply.status == 200 && size == blob_.manifest().size;
  if (reply.status != 206 && !whole) {
    return base::corrupt("it answers " + std::to_string(reply.status) + " to a request for a range");
  }
  if (got != size) {
    return base::corrupt("it sends " + std::to_string(got) + " bytes instead of " + std::to_string(size));
  }
  return base::ByteView(buffer).first(size);
}

void Download::arrived(const Job& job) {
  const std::lock_guard lock(mutex_);
  Source& source = sources_[job.source];
  --source.busy;
  source.failures = 0;
  Piece& piece = pieces_[job.piece];
  --piece.asked;
  const std::size_t size = blob_.manifest().piece_size(job.piece);
  received_ += size;
  if (!piece.here.exchange(true)) {
    here_ += size;
    if (options_.progress) options_.progress(here_, blob_.manifest().size);
  }
  changed_.notify_all();
}

void Download::failed(const Job& job, const base::Error& error) {
  std::unique_lock lock(mutex_);
  Source& source = sources_[job.source];
  --source.busy;
  --pieces_[job.piece].asked;
  first_ = std::min(first_, job.piece);
  changed_.notify_all();
  // Cancelled: another source was faster, or nobody wants the blob any more.
  if (error.code == base::ErrorCode::kCancelled || source.dropped) return;
  if (source_may_recover(error) && ++source.failures < kMaxFailures) {
    lock.unlock();
    std::this_thread::sleep_for(kPause);
    return;
  }
  source.dropped = true;
  dropped_.push_back(dropped_for(source.url, error));
}

}  // namespace

std::string blob_url(const std::string& node, const base::Hash& name) { return node + "/v1/blobs/" + name.hex(); }

base::Result<store::BlobManifest> BlobExchange::find_manifest(const base::Hash& name, std::vector<std::string>& sources,
                                                              const FetchOptions& options,
                                                              std::vector<DroppedSource>& dropped) {
  if (base::Result<store::BlobManifest> known = blobs_.partial_manifest(name); known.ok()) return known;
  bool nobody_has_it = true;
  while (!sources.empty()) {
    HttpRequest request;
    request.url = blob_url(sources.front(), name) + "/manifest";
    request.most_bytes = store::kMaxManifestBytes;
    request.time = std::chrono::seconds(30);
    request.cancelled = options.cancelled;
    auto manifest = [&]() -> base::Result<store::BlobManifest> {
      STARLING_ASSIGN(const HttpReply reply, client_.send(request));
      STARLING_TRY(reply_status(request.url, reply));
      return store::BlobManifest::decode(base::as_bytes(reply.body), name);
    }();
    if (manifest.ok()) return manifest;
    if (manifest.error().code == base::ErrorCode::kCancelled) return manifest.error();
    nobody_has_it = nobody_has_it && manifest.error().code == base::ErrorCode::kNotFound;
    dropped.push_back(dropped_for(sources.front(), manifest.error()));
    sources.erase(sources.begin());
  }
  const std::string why = "no source gives the blob " + name.hex() + ": " + list(dropped);
  return nobody_has_it ? base::not_found(why) : base::io_error(why);
}

base::Result<FetchedBlob> BlobExchange::fetch(const base::Hash& name, const std::vector<std::string>& sources,
                                              const FetchOptions& options) {
  FetchedBlob fetched;
  if (const auto info = blobs_.find(name)) {
    fetched.size = info->size;
    return fetched;
  }
  std::vector<std::string> left;
  for (const std::string& source : sources) {
    const base::Status fine = check_base_url(source);
    if (!fine.ok()) {
      fetched.dropped.push_back({source.substr(0, 256), fine.error().message});
    } else if (left.size() < kMaxSources && std::ranges::find(left, source) == left.end()) {
      left.push_back(source);
    }
  }
  STARLING_ASSIGN(const store::BlobManifest manifest, find_manifest(name, left, options, fetched.dropped));
  if (manifest.size > options.most_bytes) {
    return base::limit_error("the blob " + name.hex() + " has " + std::to_string(manifest.size) + " bytes; at most " +
                             std::to_string(options.most_bytes) + " are wanted");
  }
  fetched.size = manifest.size;
  auto partial = blobs_.receive(manifest);
  if (!partial.ok()) {
    if (blobs_.has(name)) return fetched;  // somebody else has brought it meanwhile
    return partial.error();
  }
  Download download(client_, **partial, left, options);
  const base::Status ended = download.run();
  fetched.received = download.received();
  for (DroppedSource& source : download.dropped()) fetched.dropped.push_back(std::move(source));
  STARLING_TRY(ended);
  if (!(*partial)->missing().empty()) {
    return base::io_error("no source is left that gives the rest of the blob " + name.hex() + ": " +
                          list(fetched.dropped));
  }
  STARLING_TRY((*partial)->finish(now_()));
  return fetched;
}

base::Result<base::Hash> BlobExchange::upload(const std::string& node, base::ByteView bytes) {
  if (bytes.size() > store::kPieceBytes) {
    return base::limit_error("an upload has at most one piece, this one has " + std::to_string(bytes.size()) +
                             " bytes");
  }
  const base::Hash name = store::BlobManifest::of_piece(bytes).name();
  STARLING_TRY(client_.put(blob_url(node, name), std::string(bytes.begin(), bytes.end())));
  return name;
}

}  // namespace starling::node
