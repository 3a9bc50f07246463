// Hostile files of packed weights: whatever is accepted lies within the file, and is the only way to say so. The input
// is taken as a file, and as the table of one whose hash is right.
#include <algorithm>
#include <cstdlib>

#include "models/panel_table.h"

namespace {

using namespace starling;

void check(base::ByteView file) {
  const auto table = models::PanelTable::parse(file, "input");
  if (!table.ok()) return;
  std::uint64_t covered = models::PanelTable::kFirst;
  for (const models::PanelEntry& entry : table->entries) {
    if (entry.offset < covered || entry.offset > file.size() || entry.bytes > file.size() - entry.offset) std::abort();
    covered = entry.offset + entry.bytes;
  }
  const base::Bytes tail = table->tail();
  if (table->panels_end() + tail.size() != file.size() || !std::ranges::equal(tail, file.last(tail.size()))) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check({data, size});
  // Few panels in all, so that what is accepted is small.
  constexpr std::size_t kPanels = 256;
  base::Bytes file = models::PanelTable::head();
  file.resize(file.size() + kPanels);
  file.insert(file.end(), data, data + size);
  const base::Bytes trailer = models::PanelTable::trailer({data, size});
  file.insert(file.end(), trailer.begin(), trailer.end());
  check(file);
  return 0;
}
