#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/hash.h"
#include "base/result.h"
#include "exact/shape.h"

namespace starling::train {

// Latents of clips on disk, so that a clip is drawn and encoded once. Record i belongs to clip i and is made of nothing
// but the key, so whatever is lost is made again:
//   64 bytes   "STARLAT1", u64 elements of a record, 32 bytes key, 16 zeros
//   records    elements × f16, then the first 8 bytes of their SHA-256
class LatentCache {
 public:
  // Opens or makes the file. One of another key or size is emptied; records from the first damaged one on are dropped.
  static base::Result<LatentCache> open(const std::filesystem::path& path, const base::Hash& key,
                                        const exact::Shape& shape);
  LatentCache(LatentCache&& other) noexcept;
  LatentCache& operator=(LatentCache&& other) noexcept;
  LatentCache(const LatentCache&) = delete;
  LatentCache& operator=(const LatentCache&) = delete;
  ~LatentCache();

  std::uint64_t size() const { return size_; }
  // Of one record.
  std::size_t elements() const { return elements_; }
  // values.size() is a multiple of elements(); they are rounded to f16.
  base::Status append(std::span<const float> values);
  // Safe beside append() from another thread. Preconditions: index < size(), out.size() == elements().
  base::Status read(std::uint64_t index, std::span<float> out) const;

 private:
  LatentCache(int descriptor, std::size_t elements) : descriptor_(descriptor), elements_(elements) {}
  std::size_t record_bytes() const;
  base::Status load(const base::Hash& key);

  int descriptor_ = -1;
  std::size_t elements_ = 0;
  std::uint64_t size_ = 0;
  std::filesystem::path path_;
};

}  // namespace starling::train
