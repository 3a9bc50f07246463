#include "api/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace starling::api {

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(std::exchange(other.size_, 0)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<OpenFile> OpenFile::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (descriptor < 0) {
    if (errno == ENOENT) return base::not_found("there is no file " + path.string());
    return base::system_error("open", path, errno);
  }
  OpenFile file(descriptor, 0);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return base::system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return base::invalid(path.string() + " is not a regular file");
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

int OpenFile::release() { return std::exchange(descriptor_, -1); }

}  // namespace starling::api
