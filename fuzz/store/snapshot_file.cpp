// Hostile snapshots. The input is read as it is, and once more as the only chunk under a header and hashes that are
// right, since no change gets past those.
#include "store/snapshot_file.h"

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"

namespace {

using namespace starling;

void read_all(base::ByteView input) {
  std::size_t at = 0;
  const auto source = [&](std::span<std::uint8_t> buffer) -> base::Result<std::size_t> {
    const std::size_t count = std::min(buffer.size(), input.size() - at);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(at), count, buffer.begin());
    at += count;
    return count;
  };
  auto reader = store::SnapshotReader::open(source, "input");
  if (!reader.ok()) return;
  base::Bytes last;
  for (;;) {
    const auto chunk = reader->next();
    if (!chunk.ok() || chunk->empty()) return;
    for (const store::Write& entry : *chunk) {
      if (!store::check_write(entry).ok() || !entry.value || !store::KeyOrder()(last, entry.key)) std::abort();
      last = entry.key;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_all({data, size});
  base::Encoder encoder;
  encoder.text("starling state");
  encoder.u32(1);
  encoder.u64(1);
  encoder.hash({});
  encoder.u64(1);
  encoder.bytes({});
  const base::Hash header = base::sha256(encoder.data());
  encoder.hash(header);
  encoder.bytes({data, size});
  base::Sha256 hash;
  hash.update(header.bytes);
  hash.update({data, size});
  encoder.hash(hash.finish());
  encoder.u32(0);
  read_all(encoder.data());
  return 0;
}
