#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace starling::base {
namespace {

// A descriptor that is closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int descriptor = -1;
  do {
    descriptor = ::open(path, flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

// The size of the open file, which must be a regular one.
Result<std::size_t> regular_size(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return system_error("examine", path, errno);
  if (S_ISDIR(status.st_mode)) return invalid(path.string() + " is a directory; name a file in it");
  if (!S_ISREG(status.st_mode)) return invalid(path.string() + " is not a regular file");
  return static_cast<std::size_t>(status.st_size);
}

// O_NONBLOCK so that a pipe without a writer is refused rather than waited for; it means nothing for regular files.
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK;

template <typename Container>
Result<Container> read_whole(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(open_retrying(path.c_str(), kReadFlags));
  if (file.get() < 0) return system_error("read", path, errno);
  STARLING_ASSIGN(const std::size_t size, regular_size(file.get(), path));
  if (size > limit) {
    return limit_error(path.string() + " has " + std::to_string(size) + " bytes, more than the " +
                       std::to_string(limit) + " allowed for such a file");
  }
  // Files of /proc and files being appended to do not say their size, so read until the end and one byte further.
  Container content;
  content.resize(size + 1);
  std::size_t at = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), content.data() + at, content.size() - at);
    if (got < 0) {
      if (errno == EINTR) continue;
      return system_error("read", path, errno);
    }
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
    if (at > limit)
      return limit_error(path.string() + " has more than the " + std::to_string(limit) + " bytes allowed for it");
    if (at == content.size()) content.resize(at * 2);
  }
  content.resize(at);
  return content;
}

// Where writing to path should put the bytes: path itself, or the file that a link at path names.
Result<std::filesystem::path> writing_target(const std::filesystem::path& path) {
  if (path.empty()) return invalid("the path of the file to write is empty");
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return invalid(path.string() + " is a directory; name a file in it");
    if (!S_ISREG(status.st_mode)) return invalid(path.string() + " is not a regular file and will not be replaced");
  }
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    std::filesystem::path target = std::filesystem::canonical(path, error);
    if (error) return invalid(path.string() + " is a link to nothing; remove it or choose another name");
    return target;
  }
  return path;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  return parent.empty() ? "." : parent;
}

Status write_all(int descriptor, ByteView bytes, const std::filesystem::path& path) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t put = ::write(descriptor, bytes.data() + at, bytes.size() - at);
    if (put < 0) {
      if (errno == EINTR) continue;
      return system_error("write", path, errno);
    }
    at += static_cast<std::size_t>(put);
  }
  return {};
}

}  // namespace

Error system_error(std::string_view action, const std::filesystem::path& path, int number) {
  std::string message =
      "cannot " + std::string(action) + " " + (path.empty() ? "a file without a name" : path.string()) + ": ";
  switch (number) {
    case ENOENT:
      return not_found(message + "there is no such file or directory; check the name");
    case ENOSPC:
    case EDQUOT:
      return io_error(message + "the disk is full; free some space or choose another place");
    case EFBIG:
      return io_error(
          message +
          "the file would be larger than the system allows; raise the limit (ulimit -f), or choose another place");
    case EACCES:
    case EPERM:
      return io_error(message + "permission denied; choose a place you may use, or change its permissions");
    case EROFS:
      return io_error(message + "the file system is read-only; choose another place");
    case ENOTDIR:
      return io_error(message + "a part of the path is a file, not a directory; choose another place");
    case EMFILE:
    case ENFILE:
      return {ErrorCode::kLimit, message + "too many files are open; close some, or raise the limit (ulimit -n)"};
    default:
      return io_error(message + std::generic_category().message(number));
  }
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit) { return read_whole<Bytes>(path, limit); }
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t limit) {
  return read_whole<std::string>(path, limit);
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path, FileMode mode) {
  STARLING_ASSIGN(std::filesystem::path target, writing_target(path));
  STARLING_ASSIGN(Partial partial, Partial::make_file(target, mode));
  return AtomicFile(std::move(target), std::move(partial));
}

Status AtomicFile::write(ByteView bytes) { return write_all(partial_.descriptor(), bytes, path_); }

Status AtomicFile::commit(Durability durability) {
  if (partial_.descriptor() < 0) return internal_error("the file " + path_.string() + " was committed twice");
  Partial partial = std::move(partial_);
  if (::fsync(partial.descriptor()) != 0) return system_error("write", path_, errno);
  if (::rename(partial.path().c_str(), path_.c_str()) != 0) return system_error("write", path_, errno);
  partial.release();
  return durability == Durability::kThere ? sync_directory(directory_of(path_)) : Status();
}

Status write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode) {
  STARLING_ASSIGN(AtomicFile file, AtomicFile::create(path, mode));
  STARLING_TRY(file.write(bytes));
  return file.commit();
}

Status write_new_file(const std::filesystem::path& path, ByteView bytes, FileMode mode) {
  {
    STARLING_ASSIGN(const Partial file, Partial::make_file(path, mode));
    STARLING_TRY(write_all(file.descriptor(), bytes, path));
    if (::fsync(file.descriptor()) != 0) return system_error("write", path, errno);
    // link() refuses an existing name, where rename() would replace it.
    if (::link(file.path().c_str(), path.c_str()) != 0) {
      if (errno == EEXIST) return invalid(path.string() + " exists already; remove it or choose another name");
      return system_error("write", path, errno);
    }
  }
  return sync_directory(directory_of(path));
}

Status make_directories(const std::filesystem::path& path, FileMode mode) {
  if (path.empty()) return invalid("the path of the directory to make is empty");
  const mode_t permissions = mode == FileMode::kPrivate ? 0700 : 0755;
  std::filesystem::path made;
  for (const std::filesystem::path& part : path) {
    made /= part;
    if (::mkdir(made.c_str(), permissions) == 0) continue;
    const int number = errno;
    std::error_code error;
    if (!std::filesystem::is_directory(made, error)) {
      if (number == EEXIST)
        return io_error("cannot make the directory " + path.string() + ": " + made.string() + " is a file");
      if (number == ENOENT) {
        return io_error("cannot make the directory " + path.string() + ": nothing can be made in " +
                        directory_of(made).string() + "; choose another place");
      }
      return system_error("make the directory", path, number);
    }
  }
  return {};
}

Result<std::uint64_t> free_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(path, error);
  if (error) return system_error("examine the disk of", path, error.value());
  return space.available;
}

Status sync_directory(const std::filesystem::path& path) {
  const Descriptor directory(open_retrying(path.c_str(), O_RDONLY | O_DIRECTORY));
  if (directory.get() < 0) return system_error("write to", path, errno);
  // Some file systems cannot sync a directory and say EINVAL; there is nothing further to do on those.
  if (::fsync(directory.get()) != 0 && errno != EINVAL) return system_error("write to", path, errno);
  return {};
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(open_retrying(path.c_str(), kReadFlags));
  if (file.get() < 0) return system_error("read", path, errno);
  STARLING_ASSIGN(const std::size_t size, regular_size(file.get(), path));
  if (size == 0) return MappedFile(nullptr, 0);
  void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return system_error("map", path, errno);
  return MappedFile(static_cast<const std::uint8_t*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace starling::base
