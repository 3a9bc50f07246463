#include "models/charsmap_check.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace starling::models {
namespace {

constexpr std::size_t kUnitBytes = 4;
constexpr std::uint32_t kBlock = 256;      // units; a child lies in the block that its parent's offset names
constexpr std::uint32_t kMaxMatches = 32;  // the library has room for as many matches of one text
constexpr std::uint32_t kValueMark = 1U << 31U;

std::uint32_t read_u32(base::ByteView bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = kUnitBytes; i-- > 0;) value = value << 8U | bytes[at + i];
  return value;
}

// Walks a trie from its root, each unit once, and checks that every step stays within it, that values lie in the texts
// and that no path (tails are shared, so it is a graph) comes back to itself or gives too many matches.
class TrieCheck {
 public:
  TrieCheck(base::ByteView trie, std::size_t text_bytes)
      : trie_(trie), units_(static_cast<std::uint32_t>(trie.size() / kUnitBytes)), text_bytes_(text_bytes) {}

  bool passes() {
    if (units_ == 0 || trie_.size() % (kUnitBytes * kBlock) != 0) return false;
    matches_.assign(units_, kUnseen);
    if (!enter(0)) return false;
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.label == kBlock) {
        if (!leave()) return false;
        continue;
      }
      const std::uint32_t label = step.label++;
      const std::uint32_t child = step.children ^ label;
      if ((unit(child) & (kValueMark | 0xFFU)) != label) continue;
      if (matches_[child] == kOnPath) return false;
      if (matches_[child] != kUnseen) {
        step.below = std::max(step.below, matches_[child]);
      } else if (!enter(child)) {
        return false;
      }
    }
    return true;
  }

 private:
  struct Step {
    std::uint32_t at;
    std::uint32_t children;
    std::uint32_t label = 0;  // the next to try
    std::uint8_t below = 0;   // the most matches on a path from a child
  };
  static constexpr std::uint8_t kUnseen = 0xFF;
  static constexpr std::uint8_t kOnPath = 0xFE;

  std::uint32_t unit(std::uint32_t at) const { return read_u32(trie_, std::size_t{at} * kUnitBytes); }
  bool has_value(std::uint32_t at) const { return (unit(at) >> 8U & 1U) != 0; }

  bool enter(std::uint32_t at) {
    const std::uint32_t value = unit(at);
    const std::uint32_t children = at ^ (value >> 10U << ((value & 1U << 9U) >> 6U));
    if (children >= units_) return false;
    if (has_value(at) && (unit(children) & ~kValueMark) >= text_bytes_) return false;
    matches_[at] = kOnPath;
    path_.push_back({at, children});
    return true;
  }

  bool leave() {
    const Step step = path_.back();
    path_.pop_back();
    const auto matches = static_cast<std::uint8_t>(step.below + (has_value(step.at) ? 1 : 0));
    if (matches > kMaxMatches) return false;
    matches_[step.at] = matches;
    if (!path_.empty()) path_.back().below = std::max(path_.back().below, matches);
    return true;
  }

  base::ByteView trie_;
  std::uint32_t units_;
  std::size_t text_bytes_;
  std::vector<std::uint8_t> matches_;  // by unit: the most on a path from it
  std::vector<Step> path_;
};

bool is_charsmap_sound(base::ByteView map) {
  if (map.empty()) return true;
  if (map.size() <= kUnitBytes || map.back() != 0) return false;
  const std::size_t trie_bytes = read_u32(map, 0);
  if (trie_bytes >= map.size() - kUnitBytes) return false;
  return TrieCheck(map.subspan(kUnitBytes, trie_bytes), map.size() - kUnitBytes - trie_bytes).passes();
}

// Reads the fields of a protobuf message.
class Fields {
 public:
  struct Field {
    std::uint64_t number;
    bool has_bytes;
    base::ByteView bytes;
  };

  explicit Fields(base::ByteView message) : rest_(message) {}
  bool done() const { return rest_.empty(); }

  std::optional<Field> next() {
    const auto key = varint();
    if (!key) return std::nullopt;
    Field field{*key >> 3U, false, {}};
    std::optional<std::uint64_t> size;
    switch (*key & 7U) {
      case 0:
        return varint() ? std::optional(field) : std::nullopt;
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        field.has_bytes = true;
        break;
      case 5:
        size = 4;
        break;
      default:
        break;
    }
    if (!size || *size > rest_.size()) return std::nullopt;
    field.bytes = rest_.first(*size);
    rest_ = rest_.subspan(*size);
    return field;
  }

 private:
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const std::uint8_t byte = rest_.front();
      rest_ = rest_.subspan(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return std::nullopt;
  }

  base::ByteView rest_;
};

bool is_normalizer_sound(base::ByteView message) {
  constexpr std::uint64_t kPrecompiledCharsmap = 2;
  for (Fields fields(message); !fields.done();) {
    const auto field = fields.next();
    if (!field) return false;
    if (field->number == kPrecompiledCharsmap && !(field->has_bytes && is_charsmap_sound(field->bytes))) return false;
  }
  return true;
}

}  // namespace

bool are_charsmaps_sound(base::ByteView model) {
  constexpr std::uint64_t kNormalizer = 3;
  constexpr std::uint64_t kDenormalizer = 5;
  for (Fields fields(model); !fields.done();) {
    const auto field = fields.next();
    if (!field) return false;
    const bool is_normalizer = field->number == kNormalizer || field->number == kDenormalizer;
    if (is_normalizer && !(field->has_bytes && is_normalizer_sound(field->bytes))) return false;
  }
  return true;
}

}  // namespace starling::models
