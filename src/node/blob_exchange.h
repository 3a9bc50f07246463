#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "node/http_client.h"
#include "store/blobs.h"

namespace starling::node {

struct FetchOptions {
  int connections_each = 2;  // at once to a source
  int connections = 8;       // at once to all; each holds a piece in memory
  // A source that sends fewer bytes a second than this for slow_time is dropped.
  std::uint64_t slowest = 65'536;
  std::chrono::seconds slow_time{10};
  std::uint64_t most_bytes = store::kMaxBlobBytes;  // of the blob
  // Bytes that are here, of all; called from several threads, one at a time.
  std::function<void(std::uint64_t here, std::uint64_t all)> progress;
  // Asked often, from several threads at once.
  std::function<bool()> cancelled;
};

struct DroppedSource {
  std::string source;
  std::string reason;
};

struct FetchedBlob {
  std::uint64_t size = 0;
  std::uint64_t received = 0;  // now; less than size when pieces were here before
  std::vector<DroppedSource> dropped;
};

inline constexpr std::size_t kMaxSources = 16;

// Brings blobs from other nodes. Thread safe.
class BlobExchange {
 public:
  // now: Unix seconds. All three must outlive this.
  BlobExchange(HttpClient& client, store::Blobs& blobs, std::function<std::int64_t()> now)
      : client_(client), blobs_(blobs), now_(std::move(now)) {}

  // Gets a blob from nodes at these base URLs (the first kMaxSources count), from several at once, piece by piece, and
  // checks each piece before it is kept. A source whose bytes are wrong, too few, too many or too slow is dropped, and
  // its pieces come from the others. What is here already is not fetched again, also when an earlier process was
  // killed. kNotFound when no source has it; otherwise an error says why each source was dropped.
  base::Result<FetchedBlob> fetch(const base::Hash& name, const std::vector<std::string>& sources,
                                  const FetchOptions& options = {});

  // Puts bytes, as a blob, to a node that takes uploads. The blob's name.
  base::Result<base::Hash> upload(const std::string& node, base::ByteView bytes);

 private:
  base::Result<store::BlobManifest> find_manifest(const base::Hash& name, std::vector<std::string>& sources,
                                                  const FetchOptions& options, std::vector<DroppedSource>& dropped);
  HttpClient& client_;
  store::Blobs& blobs_;
  const std::function<std::int64_t()> now_;
};

// Where a node serves a blob.
std::string blob_url(const std::string& node, const base::Hash& name);

}  // namespace starling::node
