// How fast a blob goes from one node to another, beside curl fetching the same bytes from the same server. Prints a
// table and, as the last line, JSON. Processor time counts both sides, and does not depend on what else runs.
#include <sys/resource.h>

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

// Of this process and of those that it ran.
double processor_seconds() {
  double sum = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    }
  }
  return sum;
}

// Runs of one kind.
struct Runs {
  std::vector<double> times;
  std::vector<double> processor;

  template <typename Body>
  void add(const Body& body) {
    const double before = processor_seconds();
    times.push_back(seconds_of(body));
    processor.push_back(processor_seconds() - before);
  }
};

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
    Runs to_nothing;
    Runs to_file;
    Runs to_disk;
    Runs transfer;
    Runs hashing;
    for (int i = 0; i < repeats; ++i) {
      to_nothing.add([&] { curl("/dev/null"); });
      to_file.add([&] { curl(file); });
      std::filesystem::remove(file);
      to_disk.add([&] {
        curl(file);
        if (std::system(("sync '" + file + "'").c_str()) != 0) fail("sync failed");
      });
      std::filesystem::remove(file);
      transfer.add([&] { take(exchange.fetch(name, {server->url()})); });
      take(here->remove(name));
      base::Bytes piece(store::kPieceBytes);
      hashing.add([&] {
        for (std::size_t done = 0; done < mebibytes; done += 4) (void)base::merkle_leaf(piece);
      });
    }
    const auto rate = [&](const Runs& runs) { return static_cast<double>(mebibytes) / median(runs.times); };
    const auto cost = [&](const Runs& runs) { return 1e6 * median(runs.processor) / static_cast<double>(mebibytes); };
    std::printf("%zu MiB, median of %d\n", mebibytes, repeats);
    const auto row = [&](const char* name, const Runs& runs) {
      std::printf("  %-28s %7.0f MiB/s %7.0f us of processor time a MiB\n", name, rate(runs), cost(runs));
    };
    row("curl to /dev/null", to_nothing);
    row("curl to a file, not synced", to_file);
    row("curl to a file, synced", to_disk);
    row("SHA-256 alone, one thread", hashing);
    row("transfer, checked and synced", transfer);
    std::printf("  of curl to nothing, to a file, to a file and synced: %.2f, %.2f, %.2f\n",
                rate(transfer) / rate(to_nothing), rate(transfer) / rate(to_file), rate(transfer) / rate(to_disk));
    std::printf(
        "{\"mebibytes\":%zu,\"curl_null\":%.0f,\"curl_file\":%.0f,\"curl_synced\":%.0f,\"sha256\":%.0f,\"transfer\":%."
        "0f,\"ratio\":%.3f,\"processor\":{\"curl_null\":%.0f,\"curl_file\":%.0f,\"sha256\":%.0f,\"transfer\":%.0f}}\n",
        mebibytes, rate(to_nothing), rate(to_file), rate(to_disk), rate(hashing), rate(transfer),
        rate(transfer) / rate(to_file), cost(to_nothing), cost(to_file), cost(hashing), cost(transfer));
  }
  std::filesystem::remove_all(folder);
  return 0;
}
