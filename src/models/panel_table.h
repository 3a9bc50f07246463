#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/shape.h"

namespace starling::models {

// The panels of one weight in a file of packed weights.
struct PanelEntry {
  std::string name;  // as "transformer/blocks.0.ffn.net.2.weight"
  exact::Type type = exact::Type::kF32;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t bytes = 0;
  std::uint64_t sum = 0;  // panel_sum() of them
};

// What a file of packed weights says of itself (docs/models.md has the format): which weights, by whose kernels, where.
struct PanelTable {
  base::Hash root;    // of the model
  base::Hash layout;  // exact::Packer::layout()
  std::vector<PanelEntry> entries;

  static constexpr std::uint64_t kAlignment = 64;  // of panels in the file
  static constexpr std::uint64_t kFirst = 64;      // where they begin

  // The file's first bytes, and those after its panels, which begin at panels_end.
  static base::Bytes head();
  base::Bytes tail() const;
  std::uint64_t panels_end() const;
  // What follows a table's encoding.
  static base::Bytes trailer(base::ByteView table);

  // kCorrupt where anything but tail() stands at the end of the file, or the entries do not lie between head and tail
  // one after another. The panels themselves are not read.
  static base::Result<PanelTable> parse(base::ByteView file, const std::string& path);
};

// A sum over all bytes that shows accidents (not intentions), at the pace of memory: a change within 8 bytes that are
// aligned always, others but for one in 2^64.
std::uint64_t panel_sum(base::ByteView bytes);
// The sum of bytes from those of its pieces, in order.
std::uint64_t joined_sum(const std::vector<std::uint64_t>& sums);

}  // namespace starling::models
