#include "store/blobs.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "api/blob_endpoints.h"
#include "api/server.h"
#include "base/file.h"
#include "base/merkle.h"
#include "node/blob_exchange.h"
#include "raw_client.h"

namespace starling::api {
namespace {

using std::chrono::milliseconds;

base::Bytes some_bytes(std::size_t size, std::uint32_t seed = 1) {
  base::Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {
    seed = seed * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(seed >> 24U);
  }
  return bytes;
}

std::int64_t noon() { return 1'800'000'000; }

class BlobTransfers : public testing::Test {
 protected:
  BlobTransfers() {
    folder_ = std::filesystem::path(testing::TempDir()) / ("starling_blobs_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    there_ = std::move(*store::Blobs::open(folder_ / "there"));
    uploads_ = open_uploads();
    here_ = std::move(*store::Blobs::open(folder_ / "here"));
    exchange_ = std::make_unique<node::BlobExchange>(client_, *here_, &noon);
  }
  ~BlobTransfers() override {
    servers_.clear();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<store::Blobs> open_uploads() const {
    store::BlobOptions options;
    options.quota_bytes = 3000;
    options.most_blobs = 4;
    return std::move(*store::Blobs::open(folder_ / "uploads", options));
  }
  // A node that has the blobs of `there_`.
  std::string honest(bool uploads = false) {
    BlobEndpointOptions options;
    options.now = &noon;
    if (uploads) options.uploads = uploads_.get();
    return serve(blob_routes(*there_, options));
  }
  // A node with the right manifests that sends pieces as it likes.
  std::string peer(Handler pieces) {
    std::vector<Route> routes = blob_routes(*there_, {&noon});
    routes[0] = get_on_worker("/v1/blobs/{name}", std::move(pieces));
    return serve(std::move(routes));
  }
  std::string serve(std::vector<Route> routes) {
    Router router;
    router.add(std::move(routes));
    servers_.push_back(std::move(*Server::start(std::move(router), {})));
    return servers_.back()->url();
  }
  static Response part(base::ByteView bytes, int status = 206) {
    Response response = text_response(std::string(bytes.begin(), bytes.end()), "application/octet-stream");
    response.status = status;
    return response;
  }
  // What the request asks for of the bytes.
  static base::ByteView asked(const Request& request, base::ByteView all) {
    ByteRange range{0, all.size()};
    parse_range(request.header("range"), all.size(), range);
    return all.subspan(range.offset, range.size);
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Blobs> there_;
  std::unique_ptr<store::Blobs> uploads_;
  std::unique_ptr<store::Blobs> here_;
  node::HttpClient client_;
  std::unique_ptr<node::BlobExchange> exchange_;
  std::vector<std::unique_ptr<Server>> servers_;
};

TEST_F(BlobTransfers, AnySizeArrivesFromSeveralSources) {
  const std::vector<std::string> sources = {honest(), honest(), honest()};
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4} << 20, (std::size_t{4} << 20) + 1,
                                 (std::size_t{30} << 20) + 12345}) {
    const base::Bytes bytes = some_bytes(size);
    const base::Hash name = *there_->put(bytes, noon());
    std::uint64_t last = 0;
    node::FetchOptions options;
    options.progress = [&](std::uint64_t here, std::uint64_t all) {
      EXPECT_GT(here, last);
      EXPECT_EQ(all, size);
      last = here;
    };
    const auto fetched = exchange_->fetch(name, sources, options);
    ASSERT_TRUE(fetched.ok()) << fetched.error().message;
    EXPECT_EQ(fetched->received, size);
    EXPECT_EQ(last, size);
    EXPECT_TRUE(fetched->dropped.empty());
    EXPECT_TRUE(here_->check(name).ok());
    base::Bytes read(size);
    EXPECT_TRUE(here_->read(name, noon())->read(0, read).ok());
    EXPECT_EQ(read, bytes);
    EXPECT_EQ(exchange_->fetch(name, sources)->received, 0U);
  }
}

TEST_F(BlobTransfers, LiarsAreDroppedAndTheRestComesFromOthers) {
  const base::Bytes bytes = some_bytes((std::size_t{20} << 20) + 77);
  const base::Hash name = *there_->put(bytes, noon());
  const std::string wrong_byte = peer([&](const Request& r) {
    const base::ByteView view = asked(r, bytes);
    base::Bytes wrong(view.begin(), view.end());
    wrong[wrong.size() / 2] ^= 1;
    return part(wrong);
  });
  const std::string half =
      peer([&](const Request& r) { return part(asked(r, bytes).first(asked(r, bytes).size() / 2)); });
  const std::string longer = peer([&](const Request& r) {
    const base::ByteView view = asked(r, bytes);
    base::Bytes wrong(view.begin(), view.end());
    wrong.push_back(0);
    return part(wrong);
  });
  const std::string whole = peer([&](const Request&) { return part(bytes, 200); });
  const std::string absent = peer([&](const Request&) { return error_response(404, "NOT_FOUND", "gone"); });
  const std::string broken =
      peer([&](const Request&) { return error_response(500, "INTERNAL", "out \x1b[31m order"); });
  const std::string empty = peer([&](const Request&) { return part({}, 204); });
  const std::vector<std::string> sources = {wrong_byte, half,  longer,   whole,     absent,
                                            broken,     empty, honest(), "ftp://x", "http:///"};
  node::FetchOptions options;
  options.connections = 16;
  const auto fetched = exchange_->fetch(name, sources, options);
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_TRUE(here_->check(name).ok());
  // Each that was asked is dropped, with its reason; how many are asked before the honest one has sent everything
  // varies.
  EXPECT_GE(fetched->dropped.size(), 3U);
  for (const node::DroppedSource& source : fetched->dropped) {
    EXPECT_NE(source.source, sources[7]);
    EXPECT_FALSE(source.reason.empty());
    EXPECT_EQ(source.reason.find('\x1b'), std::string::npos);
  }
  // Without an honest one there is an error that names them all.
  const base::Hash other = *there_->put(some_bytes((std::size_t{20} << 20) + 77, 2), noon());
  const auto none = exchange_->fetch(other, {wrong_byte, half, longer, whole, absent, broken, empty}, options);
  ASSERT_FALSE(none.ok());
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_NE(none.error().message.find(sources[i]), std::string::npos) << i << none.error().message;
  }
  EXPECT_FALSE(here_->has(other));
}

TEST_F(BlobTransfers, WrongManifestsAreRefused) {
  const base::Bytes bytes = some_bytes(5000);
  const base::Hash name = *there_->put(bytes, noon());
  const base::Bytes manifest = there_->manifest(name)->encode();
  std::vector<base::Bytes> wrong(5, manifest);
  wrong[0][0] ^= 1;          // another size
  wrong[1][20] ^= 1;         // another piece
  wrong[2].push_back(0);     // more than one
  wrong[3].pop_back();       // half of one
  wrong[4].assign(8, 0xff);  // of a size that no blob has
  std::vector<std::string> sources;
  for (const base::Bytes& bad : wrong) {
    sources.push_back(
        serve({get_route("/v1/blobs/{name}/manifest", [&bad](const Request&) { return part(bad, 200); })}));
  }
  sources.push_back(serve({get_route("/v1/blobs/{name}/manifest", [](const Request&) {
    return part(base::Bytes(store::kMaxManifestBytes + 1), 200);
  })}));
  const auto none = exchange_->fetch(name, sources);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, base::ErrorCode::kIo);
  sources.push_back(honest());
  const auto fetched = exchange_->fetch(name, sources);
  ASSERT_TRUE(fetched.ok());
  EXPECT_EQ(fetched->dropped.size(), 6U);
  EXPECT_EQ(exchange_->fetch(base::sha256(bytes), {sources.back()}).error().code, base::ErrorCode::kNotFound);
  EXPECT_FALSE(exchange_->fetch(base::sha256(bytes), {}).ok());
}

TEST_F(BlobTransfers, SlowAndSilentSourcesAreLeftAside) {
  const base::Bytes bytes = some_bytes(std::size_t{24} << 20);
  const base::Hash name = *there_->put(bytes, noon());
  std::atomic<bool> end = false;
  const std::string silent = peer([&](const Request& r) {
    while (!end) std::this_thread::sleep_for(milliseconds(5));
    return part(asked(r, bytes));
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto fetched = exchange_->fetch(name, {silent, honest()});
  // Its pieces are asked of the other one after a second, long before it is given up.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(8000));
  EXPECT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_TRUE(here_->check(name).ok());

  const base::Hash other = *there_->put(some_bytes(100'000), noon());
  node::FetchOptions options;
  options.slow_time = std::chrono::seconds(1);
  const auto slow = exchange_->fetch(other, {silent}, options);
  end = true;
  servers_.clear();
  ASSERT_FALSE(slow.ok());
  EXPECT_NE(slow.error().message.find(silent), std::string::npos);
}

TEST_F(BlobTransfers, CancelEndsAtOnceAndTheNextFetchGoesOn) {
  const base::Bytes bytes = some_bytes(std::size_t{24} << 20);
  const base::Hash name = *there_->put(bytes, noon());
  const std::string source = honest();
  std::atomic<bool> cancel = false;
  node::FetchOptions options;
  options.connections = 1;
  options.progress = [&](std::uint64_t here, std::uint64_t) { cancel = here >= (8U << 20); };
  options.cancelled = [&] { return cancel.load(); };
  EXPECT_EQ(exchange_->fetch(name, {source}, options).error().code, base::ErrorCode::kCancelled);
  const auto fetched = exchange_->fetch(name, {source});
  ASSERT_TRUE(fetched.ok());
  EXPECT_EQ(fetched->received, 16U << 20);
}

TEST_F(BlobTransfers, AKilledFetchGoesOnWhereItWas) {
  const base::Bytes bytes = some_bytes(std::size_t{24} << 20);
  const base::Hash name = *there_->put(bytes, noon());
  const std::string source = honest();
  here_.reset();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto blobs = store::Blobs::open(folder_ / "here");
    node::HttpClient client;
    node::BlobExchange exchange(client, **blobs, &noon);
    node::FetchOptions options;
    options.connections = 1;
    options.progress = [](std::uint64_t here, std::uint64_t) {
      if (here >= (12U << 20)) ::kill(::getpid(), SIGKILL);
    };
    (void)exchange.fetch(name, {source}, options);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  here_ = std::move(*store::Blobs::open(folder_ / "here"));
  node::BlobExchange exchange(client_, *here_, &noon);
  const auto fetched = exchange.fetch(name, {source});
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(fetched->received, 12U << 20);
  EXPECT_TRUE(here_->check(name).ok());
}

TEST_F(BlobTransfers, ManyFetchTheSameBlobAtOnce) {
  const base::Hash name = *there_->put(some_bytes(std::size_t{20} << 20), noon());
  const std::string source = honest();
  std::vector<std::thread> threads;
  std::atomic<int> fine = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { fine += exchange_->fetch(name, {source}).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fine, 4);
  EXPECT_TRUE(here_->check(name).ok());
}

TEST_F(BlobTransfers, TheEndpointKnowsRangesAndNames) {
  const base::Bytes bytes = some_bytes(1000);
  const base::Hash name = *there_->put(bytes, noon());
  const std::string url = honest() + "/v1/blobs/";
  const auto ask = [&](const std::string& path, const std::string& range, const std::string& if_range = "") {
    node::HttpRequest request;
    request.url = url + path;
    if (!range.empty()) request.headers.emplace_back("Range", range);
    if (!if_range.empty()) request.headers.emplace_back("If-Range", if_range);
    return *client_.send(request);
  };
  const std::string all(bytes.begin(), bytes.end());
  EXPECT_EQ(ask(name.hex(), "").body, all);
  EXPECT_EQ(ask("0x" + name.hex(), "").body, all);
  const node::HttpReply part = ask(name.hex(), "bytes=10-19");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, all.substr(10, 10));
  EXPECT_EQ(part.header("content-range"), "bytes 10-19/1000");
  EXPECT_EQ(ask(name.hex(), "bytes=-1").body, all.substr(999));
  EXPECT_EQ(ask(name.hex(), "bytes=1000-").status, 416);
  EXPECT_EQ(ask(name.hex(), "bytes=1000-").header("content-range"), "bytes */1000");
  EXPECT_EQ(ask(name.hex(), "bytes=0-1,3-4").status, 200);
  EXPECT_EQ(ask(name.hex(), "bytes=0-1", part.header("etag")).status, 206);
  EXPECT_EQ(ask(name.hex(), "bytes=0-1", "\"other\"").status, 200);
  EXPECT_EQ(ask(base::sha256({}).hex(), "").status, 404);
  for (const char* wrong : {"abc", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "zz", "%00"}) {
    EXPECT_GE(ask(wrong, "").status, 400) << wrong;
  }
}

TEST_F(BlobTransfers, UploadsAreCheckedAndBounded) {
  const std::string node = honest(true);
  node::BlobExchange exchange(client_, *here_, &noon);
  std::vector<base::Hash> names;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const auto name = exchange.upload(node, some_bytes(1000, i));
    ASSERT_TRUE(name.ok()) << name.error().message;
    names.push_back(*name);
    EXPECT_TRUE(uploads_->check(*name).ok());
    if (i == 1) {
      EXPECT_TRUE(uploads_->pin(*name, "someone").ok());
    }
  }
  // Three thousand bytes may be kept; what is pinned stays.
  const auto kept = [&] { return std::ranges::count_if(names, [&](const auto& name) { return uploads_->has(name); }); };
  EXPECT_EQ(kept(), 3);
  EXPECT_TRUE(uploads_->has(names[1]));
  EXPECT_TRUE(exchange_->fetch(names[1], {node}).ok()) << "they are served";
  EXPECT_TRUE(there_->list().empty()) << "they take no room of other blobs";
  EXPECT_TRUE(exchange.upload(node, some_bytes(1000, 4)).ok());
  EXPECT_TRUE(exchange.upload(node, {}).ok());
  EXPECT_FALSE(client_.put(node::blob_url(node, names[0]), "other bytes").ok());
  EXPECT_FALSE(exchange.upload(node, some_bytes((std::size_t{1} << 20) + 1)).ok());
  EXPECT_FALSE(exchange.upload(honest(false), some_bytes(10)).ok());
}

TEST_F(BlobTransfers, UploadsStayBoundedWhenTheNodeStartsAgain) {
  node::BlobExchange exchange(client_, *here_, &noon);
  std::vector<base::Hash> names;
  for (std::uint32_t i = 0; i < 12; ++i) {
    servers_.clear();
    uploads_.reset();
    uploads_ = open_uploads();
    const auto name = exchange.upload(honest(true), some_bytes(1000, i));
    ASSERT_TRUE(name.ok()) << name.error().message;
    names.push_back(*name);
    if (i == 0) {
      EXPECT_TRUE(uploads_->pin(*name, "task-1").ok());
    }
    EXPECT_LE(uploads_->list().size(), 3U);
  }
  EXPECT_TRUE(uploads_->has(names.front()));
  // Small ones are bounded by their number.
  const std::string node = honest(true);
  for (std::uint32_t i = 0; i < 12; ++i) ASSERT_TRUE(exchange.upload(node, some_bytes(1, i)).ok());
  EXPECT_LE(uploads_->list().size(), 4U);
  // When all that is there is pinned, the answer says so.
  for (const store::BlobInfo& blob : uploads_->list()) ASSERT_TRUE(uploads_->pin(blob.name, "task-2").ok());
  const auto full = exchange.upload(node, some_bytes(2500, 99));
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.error().message.find("pinned"), std::string::npos) << full.error().message;
}

// A gateway that follows another one is one place for inputs with it.
TEST_F(BlobTransfers, UploadsAreHandedOnAndWhatIsMissingIsBrought) {
  const std::string other = honest(true);
  const auto near = std::move(*store::Blobs::open(folder_ / "near"));
  BlobEndpointOptions options;
  options.now = &noon;
  options.uploads = near.get();
  bool away = false;
  options.hand_on = [&](base::ByteView bytes) -> base::Status {
    if (away) return base::io_error("the other gateway is away");
    STARLING_TRY(exchange_->upload(other, bytes));
    return {};
  };
  options.bring = [&](const base::Hash& name) -> base::Status {
    node::BlobExchange to_near(client_, *near, &noon);
    STARLING_TRY(to_near.fetch(name, {other}));
    return {};
  };
  const std::string gateway = serve(blob_routes(*near, options));
  const auto handed_on = exchange_->upload(gateway, some_bytes(500));
  ASSERT_TRUE(handed_on.ok()) << handed_on.error().message;
  EXPECT_TRUE(near->has(*handed_on));
  EXPECT_TRUE(uploads_->has(*handed_on));
  away = true;
  EXPECT_FALSE(exchange_->upload(gateway, some_bytes(500, 2)).ok());
  EXPECT_FALSE(exchange_->upload(gateway, some_bytes(500)).ok());  // the other one may have thrown it out

  const base::Hash name = *there_->put(some_bytes(700, 3), noon());
  EXPECT_TRUE(exchange_->fetch(name, {gateway}).ok());
  EXPECT_TRUE(near->has(name));
  const auto nowhere = exchange_->fetch(base::sha256({}), {gateway});
  ASSERT_FALSE(nowhere.ok());
}

}  // namespace
}  // namespace starling::api
