#include "train/latent_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "exact/tensor.h"

namespace starling::train {
namespace {

using exact::Tensor;
using exact::Type;

constexpr std::string_view kLatentsMagic = "STARLAT1";
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kCheckBytes = 8;

base::Status write_at(int descriptor, base::ByteView bytes, std::uint64_t offset, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return base::system_error("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

// False at the end of the file.
base::Result<bool> read_at(int descriptor, std::span<std::uint8_t> bytes, std::uint64_t offset,
                           const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t taken = ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return base::system_error("read", path, errno);
    if (taken == 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(taken));
    offset += static_cast<std::uint64_t>(taken);
  }
  return true;
}

base::Bytes make_header(const base::Hash& key, std::size_t elements) {
  base::Bytes header(kHeaderBytes, 0);
  base::Encoder encoder;
  encoder.u64(elements);
  encoder.hash(key);
  std::memcpy(header.data(), kLatentsMagic.data(), kLatentsMagic.size());
  std::memcpy(header.data() + kLatentsMagic.size(), encoder.data().data(), encoder.data().size());
  return header;
}

bool holds(base::ByteView record) {
  const base::ByteView data = record.first(record.size() - kCheckBytes);
  const base::Hash hash = base::sha256(data);
  return std::memcmp(hash.bytes.data(), record.data() + data.size(), kCheckBytes) == 0;
}

}  // namespace

base::Result<LatentCache> LatentCache::open(const std::filesystem::path& path, const base::Hash& key,
                                            const exact::Shape& shape) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return base::system_error("open", path, errno);
  LatentCache cache(descriptor, static_cast<std::size_t>(shape.elements()));
  cache.path_ = path;
  STARLING_TRY(cache.load(key));
  return cache;
}

LatentCache::LatentCache(LatentCache&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      elements_(other.elements_),
      size_(other.size_),
      path_(std::move(other.path_)) {}

LatentCache& LatentCache::operator=(LatentCache&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  elements_ = other.elements_;
  size_ = other.size_;
  path_ = std::move(other.path_);
  return *this;
}

LatentCache::~LatentCache() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t LatentCache::record_bytes() const { return elements_ * type_size(Type::kF16) + kCheckBytes; }

base::Status LatentCache::load(const base::Hash& key) {
  const base::Bytes expected = make_header(key, elements_);
  base::Bytes header(kHeaderBytes);
  STARLING_ASSIGN(const bool there, read_at(descriptor_, header, 0, path_));
  std::uint64_t kept = kHeaderBytes;
  if (there && header == expected) {
    base::Bytes record(record_bytes());
    for (;;) {
      STARLING_ASSIGN(const bool more, read_at(descriptor_, record, kept, path_));
      if (!more || !holds(record)) break;
      kept += record.size();
      ++size_;
    }
  } else {
    STARLING_TRY(write_at(descriptor_, expected, 0, path_));
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(kept)) != 0) return base::system_error("shorten", path_, errno);
  return {};
}

base::Status LatentCache::append(std::span<const float> values) {
  base::Bytes out;
  const auto records = static_cast<std::int64_t>(values.size() / elements_);
  const Tensor wide = Tensor::from_f32({records, static_cast<std::int64_t>(elements_)}, values);
  STARLING_ASSIGN(const Tensor narrow, wide.rounded(Type::kF16));
  const std::size_t data_bytes = elements_ * type_size(Type::kF16);
  for (base::ByteView rest = narrow.bytes(); !rest.empty(); rest = rest.subspan(data_bytes)) {
    const base::ByteView data = rest.first(data_bytes);
    const base::Hash hash = base::sha256(data);
    out.insert(out.end(), data.begin(), data.end());
    out.insert(out.end(), hash.bytes.begin(), hash.bytes.begin() + kCheckBytes);
  }
  STARLING_TRY(write_at(descriptor_, out, kHeaderBytes + size_ * record_bytes(), path_));
  size_ += static_cast<std::uint64_t>(records);
  return {};
}

base::Status LatentCache::read(std::uint64_t index, std::span<float> out) const {
  STARLING_ASSIGN(Tensor narrow, Tensor::allocate(Type::kF16, {static_cast<std::int64_t>(elements_)}));
  STARLING_ASSIGN(const bool there,
                  read_at(descriptor_, narrow.mutable_bytes(), kHeaderBytes + index * record_bytes(), path_));
  if (!there) return base::corrupt("the latents '" + path_.string() + "' were cut short; remove the file and resume");
  STARLING_ASSIGN(const Tensor wide, narrow.widened());
  std::ranges::copy(wide.f32(), out.begin());
  return {};
}

}  // namespace starling::train
