// How fast a blob goes from one node to another, beside curl fetching the same bytes from the same server. Prints a
// table and, as the last line, JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "api/blob_endpoints.h"
#include "api/server.h"
#include "base/file.h"
#include "base/merkle.h"
#include "measure.h"
#include "node/blob_exchange.h"
#include "store/blobs.h"

namespace {

using namespace starling;
using namespace starling::bench;

base::Hash make_blob(store::Blobs& blobs, std::size_t mebibytes) {
  const auto writer = take(blobs.write());
  base::Bytes bytes(std::size_t{1} << 20);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < mebibytes; ++i) {
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>((state = state * 6364136223846793005U + 1) >> 56U);
    take(writer->append(bytes));
  }
  return take(writer->finish(unix_seconds()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4)
    fail("usage: starling_bench_blobs FOLDER [MEBIBYTES [REPEATS]]; the folder is made and removed");
  const std::filesystem::path folder = argv[1];
  const std::size_t mebibytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 512;
  const int repeats = argc > 3 ? std::atoi(argv[3]) : 5;
  if (std::filesystem::exists(folder)) fail(folder.string() + " exists already");
  std::filesystem::create_directories(folder);
  {
    const auto there = take(store::Blobs::open(folder / "there"));
    const auto here = take(store::Blobs::open(folder / "here"));
    const base::Hash name = make_blob(*there, mebibytes);
    api::Router router;
    router.add(api::blob_routes(*there, {&unix_seconds}));
    const auto server = take(api::Server::start(std::move(router), {}));
    node::HttpClient client;
    node::BlobExchange exchange(client, *here, &unix_seconds);
    const std::string url = node::blob_url(server->url(), name);
    const std::string file = (folder / "curl").string();
    const auto curl = [&](const std::string& target) {
      if (std::system(("curl -sf --noproxy '*' -o '" + target + "' '" + url + "'").c_str()) != 0) fail("curl failed");
    };
    std::vector<double> to_nothing;
    std::vector<double> to_file;
    std::vector<double> to_disk;
    std::vector<double> transfer;
    std::vector<double> hashing;
    for (int i = 0; i < repeats; ++i) {
      to_nothing.push_back(seconds_of([&] { curl("/dev/null"); }));
      to_file.push_back(seconds_of([&] { curl(file); }));
      std::filesystem::remove(file);
      to_disk.push_back(seconds_of([&] {
        curl(file);
        if (std::system(("sync '" + file + "'").c_str()) != 0) fail("sync failed");
      }));
      std::filesystem::remove(file);
      transfer.push_back(seconds_of([&] { take(exchange.fetch(name, {server->url()})); }));
      take(here->remove(name));
      base::Bytes piece(store::kPieceBytes);
      hashing.push_back(seconds_of([&] {
        for (std::size_t done = 0; done < mebibytes; done += 4) (void)base::merkle_leaf(piece);
      }));
    }
    const auto rate = [&](const std::vector<double>& times) { return static_cast<double>(mebibytes) / median(times); };
    std::printf("%zu MiB, median of %d\n", mebibytes, repeats);
    std::printf("  curl to /dev/null            %7.0f MiB/s\n", rate(to_nothing));
    std::printf("  curl to a file, not synced   %7.0f MiB/s\n", rate(to_file));
    std::printf("  curl to a file, synced       %7.0f MiB/s\n", rate(to_disk));
    std::printf("  SHA-256 alone, one thread    %7.0f MiB/s\n", rate(hashing));
    std::printf(
        "  transfer, checked and synced %7.0f MiB/s, %.2f of curl to a file, %.2f of curl to a file and synced\n",
        rate(transfer), rate(transfer) / rate(to_file), rate(transfer) / rate(to_disk));
    std::printf(
        "{\"mebibytes\":%zu,\"curl_null\":%.0f,\"curl_file\":%.0f,\"curl_synced\":%.0f,\"sha256\":%.0f,\"transfer\":%."
        "0f,\"ratio\":%.3f}\n",
        mebibytes, rate(to_nothing), rate(to_file), rate(to_disk), rate(hashing), rate(transfer),
        rate(transfer) / rate(to_file));
  }
  std::filesystem::remove_all(folder);
  return 0;
}
