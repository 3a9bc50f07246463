#include "store/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace starling::store {

DataFile::DataFile(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

DataFile::DataFile(DataFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

DataFile& DataFile::operator=(DataFile&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    path_ = std::move(other.path_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

DataFile::~DataFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<DataFile> DataFile::open_with(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0644);
  if (descriptor < 0) return base::system_error("open", path, errno);
  DataFile file(path, descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return base::system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return base::invalid(path.string() + " is not a regular file");
  return file;
}

base::Result<DataFile> DataFile::open(const std::filesystem::path& path) { return open_with(path, O_RDONLY); }
base::Result<DataFile> DataFile::open_or_create(const std::filesystem::path& path) {
  return open_with(path, O_RDWR | O_CREAT);
}

base::Result<std::uint64_t> DataFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return base::system_error("examine", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

base::Status DataFile::read(std::uint64_t offset, std::span<std::uint8_t> buffer) const {
  while (!buffer.empty()) {
    const ssize_t got = ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::system_error("read", path_, errno);
    if (got == 0) return base::corrupt(path_.string() + " is shorter than it should be");
    buffer = buffer.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

base::Status DataFile::write(std::uint64_t offset, base::ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::system_error("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

base::Status DataFile::resize(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return base::system_error("write", path_, errno);
  return {};
}

base::Status DataFile::sync() {
  if (::fsync(descriptor_) != 0) return base::system_error("write", path_, errno);
  return {};
}

void DataFile::begin_sync(std::uint64_t offset, std::uint64_t size) const {
  ::sync_file_range(descriptor_, static_cast<off64_t>(offset), static_cast<off64_t>(size), SYNC_FILE_RANGE_WRITE);
}

std::optional<std::uint64_t> DataFile::next_data(std::uint64_t offset) const {
  const off_t data = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  // ENXIO: only holes are left. Any other error: a file system that does not know holes.
  if (errno == ENXIO) return std::nullopt;
  return offset;
}

base::Status DataFile::set_time(std::int64_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  if (::futimens(descriptor_, times) != 0) return base::system_error("write", path_, errno);
  return {};
}

}  // namespace starling::store
