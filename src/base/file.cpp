#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace starling::base {
namespace {

Error system_error(const char* action, const std::filesystem::path& path, int number) {
  std::string message = std::string("cannot ") + action + " " + path.string() + ": " + std::strerror(number) + ".";
  return number == ENOENT ? not_found(std::move(message)) : io_error(std::move(message));
}

struct Opened {
  int descriptor;
  std::uint64_t size;
};

Result<Opened> open_regular(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return system_error("open", path, errno);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const int number = errno;
    ::close(descriptor);
    return system_error("examine", path, number);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return invalid(path.string() + " is not a regular file; give the path of one.");
  }
  return Opened{descriptor, static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  STARLING_ASSIGN(const Opened file, open_regular(path));
  if (file.size == 0) {
    ::close(file.descriptor);
    return MappedFile(nullptr, 0);
  }
  void* data = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0);
  const int number = errno;
  ::close(file.descriptor);
  if (data == MAP_FAILED) return system_error("map", path, number);
  return MappedFile(data, file.size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit) {
  STARLING_ASSIGN(const Opened file, open_regular(path));
  if (file.size > limit) {
    ::close(file.descriptor);
    return Error{ErrorCode::kLimit, path.string() + " has " + std::to_string(file.size) + " bytes; at most " +
                                        std::to_string(limit) + " are read."};
  }
  Bytes bytes(file.size);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::read(file.descriptor, bytes.data() + at, bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int number = errno;
      ::close(file.descriptor);
      return system_error("read", path, number);
    }
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  ::close(file.descriptor);
  bytes.resize(at);
  return bytes;
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  std::string name = path.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return system_error("write", path, errno);
  // mkostemp makes files private; these are meant to be shared.
  if (::fchmod(descriptor, 0644) != 0) {
    const int number = errno;
    ::close(descriptor);
    ::unlink(name.c_str());
    return system_error("write", path, number);
  }
  return AtomicFile(path, name, descriptor);
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Status AtomicFile::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return system_error("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error("write", path_, errno);
  ::close(std::exchange(descriptor_, -1));
  // The rename is durable once the folder is.
  std::filesystem::path folder = path_.parent_path();
  if (folder.empty()) folder = ".";
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0) return system_error("open", folder, errno);
  const int result = ::fsync(folder_descriptor);
  const int number = errno;
  ::close(folder_descriptor);
  if (result != 0 && number != EINVAL) return system_error("write", folder, number);
  return {};
}

Status write_file(const std::filesystem::path& path, ByteView bytes) {
  STARLING_ASSIGN(AtomicFile file, AtomicFile::create(path));
  STARLING_TRY(file.write(bytes));
  return file.commit();
}

}  // namespace starling::base
