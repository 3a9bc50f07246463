#include "store/blob_index.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "base/file.h"
#include "store/data_file.h"

namespace starling::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxOwnerLength = 40;

std::optional<base::Hash> name_of(const std::string& text) {
  const auto name = base::Hash::from_hex(text);
  if (!name.ok() || name->hex() != text) return std::nullopt;
  return *name;
}

base::Result<std::vector<fs::path>> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    files.push_back(at->path());
  }
  if (error) return base::system_error("read", folder, error.value());
  std::ranges::sort(files);
  return files;
}

base::Status remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return base::system_error("remove", path, errno);
  return {};
}

std::int64_t change_time(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_mtim.tv_sec) : 0;
}

base::Status check_owner(const std::string& owner) {
  const bool plain = std::ranges::all_of(
      owner, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (owner.empty() || owner.size() > kMaxOwnerLength || !plain) {
    return base::invalid("the owner of a pin has 1 to " + std::to_string(kMaxOwnerLength) +
                         " characters of a-z, 0-9, - and _");
  }
  return {};
}

}  // namespace

BlobIndex::~BlobIndex() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path BlobIndex::partial_manifest(const base::Hash& name) const {
  return folder_ / "partial" / (name.hex() + ".manifest");
}

base::Result<std::unique_ptr<BlobIndex>> BlobIndex::open(const fs::path& folder, const BlobOptions& options) {
  std::unique_ptr<BlobIndex> index(new BlobIndex(folder, options));
  for (const char* part : {"whole", "manifests", "partial", "writing", "pins"}) {
    STARLING_TRY(base::make_directories(folder / part));
  }
  STARLING_TRY(index->lock_folder());
  STARLING_ASSIGN(const std::vector<fs::path> writings, files_in(folder / "writing"));
  for (const fs::path& path : writings) STARLING_TRY(remove_file(path));
  STARLING_TRY(index->read_pins());
  STARLING_TRY(index->read_whole());
  STARLING_TRY(index->read_partials());
  return index;
}

base::Status BlobIndex::lock_folder() {
  const fs::path path = folder_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return base::system_error("open", path, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return base::io_error("the blobs in " + folder_.string() +
                          " are in use by another process; stop that one, or choose another folder");
  }
  return base::system_error("lock", path, errno);
}

base::Status BlobIndex::read_pins() {
  STARLING_ASSIGN(const std::vector<fs::path> pins, files_in(folder_ / "pins"));
  for (const fs::path& path : pins) {
    const std::optional<base::Hash> name = name_of(path.stem());
    const std::string extension = path.extension();
    if (extension == ".part") STARLING_TRY(remove_file(path));
    if (!name || extension.empty() || !check_owner(extension.substr(1)).ok()) continue;
    pins_[*name].insert(extension.substr(1));
  }
  return {};
}

// A blob is its file and its manifest, which comes first and goes last.
base::Status BlobIndex::read_whole() {
  STARLING_ASSIGN(const std::vector<fs::path> blobs, files_in(folder_ / "whole"));
  for (const fs::path& path : blobs) {
    const std::optional<base::Hash> name = name_of(path.filename());
    std::error_code error;
    if (!name || !fs::exists(manifest(*name), error)) continue;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) return base::system_error("examine", path, error.value());
    add(*name, size, change_time(path));
  }
  STARLING_ASSIGN(const std::vector<fs::path> manifests, files_in(folder_ / "manifests"));
  for (const fs::path& path : manifests) {
    const std::optional<base::Hash> name = name_of(path.filename());
    if (!name || !entries_.contains(*name)) STARLING_TRY(remove_file(path));
  }
  return {};
}

base::Status BlobIndex::read_partials() {
  STARLING_ASSIGN(const std::vector<fs::path> files, files_in(folder_ / "partial"));
  for (const fs::path& path : files) {
    const std::optional<base::Hash> name = name_of(path.stem());
    std::error_code error;
    const bool both = name && fs::exists(partial(*name), error) && fs::exists(partial_manifest(*name), error);
    if (!both || entries_.contains(*name)) {
      STARLING_TRY(remove_file(path));
      continue;
    }
    if (path.extension() != ".manifest") continue;
    auto bytes = base::read_file(path, kMaxManifestBytes);
    const auto read = bytes.ok() ? BlobManifest::decode(*bytes, *name) : bytes.error();
    if (!read.ok()) {
      STARLING_TRY(remove_file(path));
      STARLING_TRY(remove_file(partial(*name)));
      continue;
    }
    partials_[*name] = read->size;
    reserved_ += read->size;
  }
  return {};
}

fs::path BlobIndex::new_writing() {
  const std::lock_guard lock(mutex_);
  return folder_ / "writing" / std::to_string(writings_++);
}

std::optional<BlobInfo> BlobIndex::find(const base::Hash& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return BlobInfo{name, found->second.size, found->second.last_used, pinned(name)};
}

std::vector<BlobInfo> BlobIndex::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<BlobInfo> list;
  for (const auto& [name, entry] : entries_) list.push_back({name, entry.size, entry.last_used, pinned(name)});
  return list;
}

void BlobIndex::add(const base::Hash& name, std::uint64_t size, std::int64_t now) {
  if (!entries_.emplace(name, Entry{size, now}).second) return;
  used_ += size;
  if (!pinned(name)) by_use_.emplace(now, name);
}

base::Status BlobIndex::erase(const base::Hash& name) {
  STARLING_TRY(remove_file(whole(name)));
  STARLING_TRY(remove_file(manifest(name)));
  const auto found = entries_.find(name);
  used_ -= found->second.size;
  by_use_.erase({found->second.last_used, name});
  entries_.erase(found);
  return {};
}

base::Status BlobIndex::erase_partial(const base::Hash& name) {
  STARLING_TRY(remove_file(partial(name)));
  STARLING_TRY(remove_file(partial_manifest(name)));
  const auto found = partials_.find(name);
  reserved_ -= found->second;
  partials_.erase(found);
  return {};
}

// For so many bytes and blobs more.
base::Status BlobIndex::make_room(std::uint64_t bytes, std::size_t blobs, CollectedBlobs& collected) {
  std::vector<base::Hash> victims;
  std::uint64_t removed = 0;
  const auto fits = [&] {
    const std::uint64_t quota = options_.quota_bytes;
    const bool room = quota == 0 || (bytes <= quota && used_ - removed + reserved_ <= quota - bytes);
    return room && (options_.most_blobs == 0 || entries_.size() - victims.size() + blobs <= options_.most_blobs);
  };
  for (auto oldest = by_use_.begin(); !fits() && oldest != by_use_.end(); ++oldest) {
    removed += entries_.at(oldest->second).size;
    victims.push_back(oldest->second);
  }
  if (!fits()) {
    return base::limit_error("there is no room for " + std::to_string(bytes) + " bytes more among the blobs in " +
                             folder_.string() +
                             ": what is there is pinned or being received; unpin some, or allow more");
  }
  for (const base::Hash& name : victims) STARLING_TRY(erase(name));
  collected.count += victims.size();
  collected.bytes += removed;
  return {};
}

base::Status BlobIndex::reserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  CollectedBlobs ignored;
  STARLING_TRY(make_room(bytes, 1, ignored));
  reserved_ += bytes;
  return {};
}

void BlobIndex::release(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  reserved_ -= bytes;
}

base::Status BlobIndex::enter_locked(const fs::path& file, const BlobManifest& blob, std::int64_t now) {
  const base::Hash name = blob.name();
  STARLING_TRY(base::write_file(manifest(name), blob.encode()));
  if (::rename(file.c_str(), whole(name).c_str()) != 0) return base::system_error("write", whole(name), errno);
  STARLING_TRY(base::sync_directory(folder_ / "whole"));
  reserved_ -= blob.size;
  add(name, blob.size, now);
  return {};
}

base::Status BlobIndex::enter(const fs::path& file, const BlobManifest& blob, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  return enter_locked(file, blob, now);
}

base::Status BlobIndex::touch(const base::Hash& name, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || now <= found->second.last_used) return {};
  if (by_use_.erase({found->second.last_used, name}) > 0) by_use_.emplace(now, name);
  found->second.last_used = now;
  STARLING_ASSIGN(DataFile file, DataFile::open(whole(name)));
  return file.set_time(now);
}

base::Status BlobIndex::pin(const base::Hash& name, const std::string& owner) {
  STARLING_TRY(check_owner(owner));
  const std::lock_guard lock(mutex_);
  STARLING_TRY(base::write_file(folder_ / "pins" / (name.hex() + "." + owner), {}));
  pins_[name].insert(owner);
  if (const auto found = entries_.find(name); found != entries_.end()) by_use_.erase({found->second.last_used, name});
  return {};
}

base::Status BlobIndex::unpin(const base::Hash& name, const std::string& owner) {
  STARLING_TRY(check_owner(owner));
  const std::lock_guard lock(mutex_);
  STARLING_TRY(remove_file(folder_ / "pins" / (name.hex() + "." + owner)));
  const auto found = pins_.find(name);
  if (found == pins_.end()) return {};
  found->second.erase(owner);
  if (!found->second.empty()) return {};
  pins_.erase(found);
  if (const auto entry = entries_.find(name); entry != entries_.end()) by_use_.emplace(entry->second.last_used, name);
  return {};
}

std::vector<BlobPin> BlobIndex::pins() const {
  const std::lock_guard lock(mutex_);
  std::vector<BlobPin> pins;
  for (const auto& [name, owners] : pins_) {
    for (const std::string& owner : owners) pins.push_back({name, owner});
  }
  return pins;
}

base::Status BlobIndex::remove(const base::Hash& name) {
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(name)) return base::not_found("there is no blob " + name.hex() + " here");
  if (pinned(name)) {
    return base::invalid("the blob " + name.hex() + " is pinned by " + *pins_.at(name).begin() + "; unpin it first");
  }
  return erase(name);
}

base::Status BlobIndex::collect_partials(std::int64_t now, CollectedBlobs& collected) {
  std::vector<base::Hash> old;
  for (const auto& [name, size] : partials_) {
    const bool kept = pinned(name) || partials_in_use_.contains(name);
    if (!kept && now - change_time(partial(name)) > options_.max_age_seconds) old.push_back(name);
  }
  for (const base::Hash& name : old) {
    collected.bytes += partials_.at(name);
    ++collected.count;
    STARLING_TRY(erase_partial(name));
  }
  return {};
}

base::Result<CollectedBlobs> BlobIndex::collect(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  CollectedBlobs collected;
  if (options_.max_age_seconds > 0) {
    std::vector<base::Hash> old;
    for (const auto& [name, entry] : entries_) {
      if (!pinned(name) && now - entry.last_used > options_.max_age_seconds) old.push_back(name);
    }
    for (const base::Hash& name : old) {
      collected.bytes += entries_.at(name).size;
      ++collected.count;
      STARLING_TRY(erase(name));
    }
    STARLING_TRY(collect_partials(now, collected));
  }
  // That pins alone fill the quota is not this call's fault.
  if (const base::Status room = make_room(0, 0, collected);
      !room.ok() && room.error().code != base::ErrorCode::kLimit) {
    return room.error();
  }
  return collected;
}

base::Status BlobIndex::use_partial(const base::Hash& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (!partials_.contains(name)) {
    CollectedBlobs ignored;
    STARLING_TRY(make_room(size, 1, ignored));
    reserved_ += size;
    partials_[name] = size;
  }
  partials_in_use_.insert(name);
  return {};
}

void BlobIndex::leave_partial(const base::Hash& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = partials_in_use_.find(name); found != partials_in_use_.end()) partials_in_use_.erase(found);
}

base::Status BlobIndex::enter_partial(const BlobManifest& blob, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  const base::Hash name = blob.name();
  STARLING_TRY(enter_locked(partial(name), blob, now));
  partials_.erase(name);
  return remove_file(partial_manifest(name));
}

}  // namespace starling::store
