#include "models/panel_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"

namespace starling::models {
namespace {

constexpr std::string_view kMagic = "starling panels";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxTable = std::size_t{32} << 20U;
constexpr std::uint32_t kMaxEntries = 1U << 17U;
constexpr std::size_t kMaxName = 512;
constexpr std::size_t kTrailer = sizeof(std::uint64_t) + sizeof(base::Hash);  // size and hash of the table

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + PanelTable::kAlignment - 1) / PanelTable::kAlignment * PanelTable::kAlignment;
}

bool is_packed_type(std::uint8_t type) {
  using exact::Type;
  return type == static_cast<std::uint8_t>(Type::kF32) || type == static_cast<std::uint8_t>(Type::kI8) ||
         type == static_cast<std::uint8_t>(Type::kBf16) || type == static_cast<std::uint8_t>(Type::kF16);
}

}  // namespace

base::Bytes PanelTable::head() {
  base::Encoder encoder;
  encoder.text(kMagic);
  encoder.u32(kVersion);
  base::Bytes bytes = encoder.data();
  bytes.resize(kFirst);
  return bytes;
}

std::uint64_t PanelTable::panels_end() const {
  return entries.empty() ? kFirst : aligned(entries.back().offset + entries.back().bytes);
}

base::Bytes PanelTable::tail() const {
  base::Encoder table;
  table.text(kMagic);
  table.u32(kVersion);
  table.hash(root);
  table.hash(layout);
  table.u32(static_cast<std::uint32_t>(entries.size()));
  for (const PanelEntry& entry : entries) {
    table.text(entry.name);
    table.u8(static_cast<std::uint8_t>(entry.type));
    table.i64(entry.columns);
    table.i64(entry.depth);
    table.u64(entry.offset);
    table.u64(entry.bytes);
    table.u64(entry.sum);
  }
  base::Bytes bytes = table.data();
  const base::Bytes last = trailer(bytes);
  bytes.insert(bytes.end(), last.begin(), last.end());
  return bytes;
}

base::Bytes PanelTable::trailer(base::ByteView table) {
  base::Encoder encoder;
  encoder.u64(table.size());
  encoder.hash(base::sha256(table));
  return encoder.data();
}

base::Result<PanelTable> PanelTable::parse(base::ByteView file, const std::string& path) {
  const auto damaged = [&](const char* what) { return base::corrupt(path + ": " + what + "."); };
  const base::Bytes begin = head();
  if (file.size() < begin.size() + kTrailer || !std::ranges::equal(file.first(begin.size()), begin)) {
    return damaged("these are not packed weights");
  }
  base::Decoder last(file.last(kTrailer));
  const std::uint64_t size = last.u64();
  const base::Hash hash = last.hash();
  if (size > kMaxTable || size > file.size() - begin.size() - kTrailer) return damaged("the table is cut off");
  const std::uint64_t end = file.size() - kTrailer - size;
  const base::ByteView bytes = file.subspan(end, size);
  if (base::sha256(bytes) != hash) return damaged("the table is not the one that was written");
  base::Decoder decoder(bytes);
  if (decoder.text(kMaxName) != kMagic || decoder.u32() != kVersion) return damaged("the table is of another version");
  PanelTable table;
  table.root = decoder.hash();
  table.layout = decoder.hash();
  const std::uint32_t count = decoder.u32();
  if (count > kMaxEntries) return damaged("the table is too long");
  std::uint64_t offset = kFirst;
  for (std::uint32_t i = 0; i < count && decoder.ok(); ++i) {
    PanelEntry entry;
    entry.name = decoder.text(kMaxName);
    const std::uint8_t type = decoder.u8();
    entry.columns = decoder.i64();
    entry.depth = decoder.i64();
    entry.offset = decoder.u64();
    entry.bytes = decoder.u64();
    entry.sum = decoder.u64();
    if (!is_packed_type(type) || entry.columns < 1 || entry.depth < 1 || entry.offset != offset || entry.bytes == 0 ||
        offset > end || entry.bytes > end - offset) {
      return damaged("the table names panels that are not there");
    }
    entry.type = static_cast<exact::Type>(type);
    if (!table.entries.empty() && entry.name <= table.entries.back().name) return damaged("the table is not in order");
    offset = aligned(offset + entry.bytes);
    table.entries.push_back(std::move(entry));
  }
  if (!decoder.finish().ok() || table.panels_end() != end) return damaged("the table does not fit the file");
  return table;
}

std::uint64_t panel_sum(base::ByteView bytes) {
  // Each step is a bijection of a lane for given bytes, and of the bytes for a given lane. Lanes are independent, so
  // that multiplications need not wait for each other.
  constexpr std::size_t kLanes = 8;
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  std::array<std::uint64_t, kLanes> lanes{1, 2, 3, 4, 5, 6, 7, 8};
  const auto step = [](std::uint64_t lane, std::uint64_t word) { return std::rotl((lane ^ word) * kFactor, 29); };
  std::size_t at = 0;
  for (; at + sizeof lanes <= bytes.size(); at += sizeof lanes) {
    std::array<std::uint64_t, kLanes> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = step(lanes[i], words[i]);
  }
  for (; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    lanes[0] = step(lanes[0], word);
  }
  std::uint64_t sum = bytes.size();
  for (const std::uint64_t lane : lanes) sum = step(sum, lane);
  return sum;
}

std::uint64_t joined_sum(const std::vector<std::uint64_t>& sums) {
  return panel_sum({reinterpret_cast<const std::uint8_t*>(sums.data()), sums.size() * sizeof(std::uint64_t)});
}

}  // namespace starling::models
