#include "store/blobs.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/merkle.h"

namespace starling::store {

base::Status BlobReader::read(std::uint64_t offset, std::span<std::uint8_t> buffer) const {
  if (offset > size_ || buffer.size() > size_ - offset) {
    return base::invalid("a blob of " + std::to_string(size_) + " bytes has no " + std::to_string(buffer.size()) +
                         " bytes from " + std::to_string(offset) + " on");
  }
  return file_.read(offset, buffer);
}

BlobWriter::BlobWriter(std::shared_ptr<BlobIndex> index, std::filesystem::path path, DataFile file)
    : index_(std::move(index)), path_(std::move(path)), file_(std::move(file)) {}

BlobWriter::~BlobWriter() {
  if (!path_.empty()) ::unlink(path_.c_str());
  index_->release(reserved_);
}

base::Status BlobWriter::end_piece() {
  if (manifest_.size + piece_.size() > kMaxBlobBytes) {
    return base::limit_error("a blob has at most " + std::to_string(kMaxBlobBytes) + " bytes");
  }
  STARLING_TRY(index_->reserve(piece_.size()));
  reserved_ += piece_.size();
  STARLING_TRY(file_.write(manifest_.size, piece_));
  manifest_.pieces.push_back(base::merkle_leaf(piece_));
  manifest_.size += piece_.size();
  piece_.clear();
  return {};
}

base::Status BlobWriter::append(base::ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), static_cast<std::size_t>(kPieceBytes) - piece_.size());
    piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (piece_.size() == kPieceBytes) STARLING_TRY(end_piece());
  }
  return {};
}

base::Result<base::Hash> BlobWriter::finish(std::int64_t now) {
  if (!piece_.empty()) STARLING_TRY(end_piece());
  const base::Hash name = manifest_.name();
  if (index_->find(name)) {
    STARLING_TRY(index_->touch(name, now));
    return name;
  }
  STARLING_TRY(file_.set_time(now));
  STARLING_TRY(file_.sync());
  STARLING_TRY(index_->enter(path_, manifest_, now));
  path_.clear();
  reserved_ = 0;
  return name;
}

PartialBlob::PartialBlob(std::shared_ptr<BlobIndex> index, BlobManifest manifest, const base::Hash& name, DataFile file)
    : index_(std::move(index)),
      manifest_(std::move(manifest)),
      name_(name),
      file_(std::move(file)),
      present_(manifest_.pieces.size()),
      left_(manifest_.pieces.size()) {}

PartialBlob::~PartialBlob() { index_->leave_partial(name_); }

base::Result<std::shared_ptr<PartialBlob>> PartialBlob::open(std::shared_ptr<BlobIndex> index, BlobManifest manifest) {
  const base::Hash name = manifest.name();
  STARLING_TRY(index->use_partial(name, manifest.size));
  const auto made = [&]() -> base::Result<std::shared_ptr<PartialBlob>> {
    STARLING_TRY(base::write_file(index->partial_manifest(name), manifest.encode()));
    STARLING_ASSIGN(DataFile file, DataFile::open_or_create(index->partial(name)));
    STARLING_TRY(file.resize(manifest.size));
    return std::shared_ptr<PartialBlob>(new PartialBlob(index, std::move(manifest), name, std::move(file)));
  }();
  if (!made.ok()) {
    index->leave_partial(name);
    return made.error();
  }
  STARLING_TRY((*made)->find_pieces());
  return *made;
}

base::Status PartialBlob::find_pieces() {
  base::Bytes bytes;
  for (std::size_t piece = 0; piece < manifest_.pieces.size(); ++piece) {
    const std::optional<std::uint64_t> data = file_.next_data(piece * kPieceBytes);
    if (!data) break;
    // A piece that was never written has no data in it, unless its bytes are all zero: that one is received again.
    piece = static_cast<std::size_t>(*data / kPieceBytes);
    if (piece >= manifest_.pieces.size()) break;
    bytes.resize(manifest_.piece_size(piece));
    STARLING_TRY(file_.read(piece * kPieceBytes, bytes));
    if (base::merkle_leaf(bytes) != manifest_.pieces[piece]) continue;
    present_[piece] = true;
    --left_;
  }
  return {};
}

std::vector<std::size_t> PartialBlob::missing() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> pieces;
  for (std::size_t piece = 0; piece < present_.size(); ++piece) {
    if (!present_[piece]) pieces.push_back(piece);
  }
  return pieces;
}

base::Status PartialBlob::write_piece(std::size_t piece, base::ByteView bytes) {
  if (piece >= manifest_.pieces.size()) {
    return base::invalid("the blob " + name_.hex() + " has " + std::to_string(manifest_.pieces.size()) +
                         " pieces, and no piece " + std::to_string(piece));
  }
  if (bytes.size() != manifest_.piece_size(piece) || base::merkle_leaf(bytes) != manifest_.pieces[piece]) {
    return base::corrupt("the bytes received as piece " + std::to_string(piece) + " of blob " + name_.hex() +
                         " are not that piece");
  }
  {
    const std::lock_guard lock(mutex_);
    if (present_[piece]) return {};
  }
  // Two that write the same piece at once write the same bytes.
  STARLING_TRY(file_.write(piece * kPieceBytes, bytes));
  file_.begin_sync(piece * kPieceBytes, bytes.size());
  const std::lock_guard lock(mutex_);
  if (!present_[piece]) --left_;
  present_[piece] = true;
  return {};
}

base::Status PartialBlob::finish(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  if (finished_) return {};
  if (left_ > 0) {
    return base::invalid(std::to_string(left_) + " pieces of blob " + name_.hex() + " are missing");
  }
  STARLING_TRY(file_.set_time(now));
  STARLING_TRY(file_.sync());
  STARLING_TRY(index_->enter_partial(manifest_, now));
  finished_ = true;
  return {};
}

base::Result<std::unique_ptr<Blobs>> Blobs::open(const std::filesystem::path& folder, const BlobOptions& options) {
  STARLING_ASSIGN(std::unique_ptr<BlobIndex> index, BlobIndex::open(folder, options));
  return std::unique_ptr<Blobs>(new Blobs(std::move(index)));
}

base::Error Blobs::missing(const base::Hash& name) const {
  return base::not_found("there is no blob " + name.hex() + " here");
}

base::Result<std::unique_ptr<BlobWriter>> Blobs::write() {
  std::filesystem::path path = index_->new_writing();
  STARLING_ASSIGN(DataFile file, DataFile::open_or_create(path));
  return std::make_unique<BlobWriter>(index_, std::move(path), std::move(file));
}

base::Result<base::Hash> Blobs::put(base::ByteView bytes, std::int64_t now) {
  STARLING_ASSIGN(const std::unique_ptr<BlobWriter> writer, write());
  STARLING_TRY(writer->append(bytes));
  return writer->finish(now);
}

base::Result<base::Hash> Blobs::put_file(const std::filesystem::path& path, std::int64_t now) {
  STARLING_ASSIGN(const DataFile file, DataFile::open(path));
  STARLING_ASSIGN(const std::uint64_t size, file.size());
  STARLING_ASSIGN(const std::unique_ptr<BlobWriter> writer, write());
  base::Bytes piece;
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min(kPieceBytes, size - at)));
    STARLING_TRY(file.read(at, piece));
    STARLING_TRY(writer->append(piece));
  }
  return writer->finish(now);
}

base::Result<std::shared_ptr<PartialBlob>> Blobs::receive(const BlobManifest& manifest) {
  if (manifest.size > kMaxBlobBytes || manifest.pieces.size() != BlobManifest::piece_count(manifest.size)) {
    return base::invalid("a list of pieces does not fit the size of its blob");
  }
  const base::Hash name = manifest.name();
  if (has(name)) return base::invalid("the blob " + name.hex() + " is here already");
  const std::lock_guard lock(partials_mutex_);
  std::erase_if(partials_, [](const auto& known) { return known.second.expired(); });
  if (const auto found = partials_.find(name); found != partials_.end()) {
    if (std::shared_ptr<PartialBlob> partial = found->second.lock()) return partial;
  }
  STARLING_ASSIGN(std::shared_ptr<PartialBlob> partial, PartialBlob::open(index_, manifest));
  partials_[name] = partial;
  return partial;
}

base::Result<BlobManifest> Blobs::partial_manifest(const base::Hash& name) const {
  STARLING_ASSIGN(const base::Bytes bytes, base::read_file(index_->partial_manifest(name), kMaxManifestBytes));
  return BlobManifest::decode(bytes, name);
}

base::Result<BlobManifest> Blobs::manifest(const base::Hash& name) const {
  if (!has(name)) return missing(name);
  STARLING_ASSIGN(const base::Bytes bytes, base::read_file(index_->manifest(name), kMaxManifestBytes));
  return BlobManifest::decode(bytes, name);
}

base::Result<BlobReader> Blobs::read(const base::Hash& name, std::int64_t now) const {
  const std::optional<BlobInfo> info = find(name);
  if (!info) return missing(name);
  STARLING_ASSIGN(DataFile file, DataFile::open(index_->whole(name)));
  STARLING_TRY(index_->touch(name, now));
  return BlobReader(std::move(file), info->size);
}

base::Result<std::filesystem::path> Blobs::path(const base::Hash& name, std::int64_t now) const {
  if (!has(name)) return missing(name);
  STARLING_TRY(index_->touch(name, now));
  return index_->whole(name);
}

base::Status Blobs::check(const base::Hash& name) const {
  STARLING_ASSIGN(const BlobManifest expected, manifest(name));
  STARLING_ASSIGN(const DataFile file, DataFile::open(index_->whole(name)));
  STARLING_ASSIGN(const std::uint64_t size, file.size());
  base::Bytes bytes;
  for (std::size_t piece = 0; size == expected.size && piece < expected.pieces.size(); ++piece) {
    bytes.resize(expected.piece_size(piece));
    STARLING_TRY(file.read(piece * kPieceBytes, bytes));
    if (base::merkle_leaf(bytes) != expected.pieces[piece]) {
      return base::corrupt("piece " + std::to_string(piece) + " of blob " + name.hex() +
                           " is damaged on the disk; remove the blob and get it again");
    }
  }
  if (size != expected.size) {
    return base::corrupt("the blob " + name.hex() + " has " + std::to_string(size) + " bytes on the disk instead of " +
                         std::to_string(expected.size) + "; remove it and get it again");
  }
  return {};
}

}  // namespace starling::store
