#include "base/scratch_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include "base/file.h"

namespace starling::base {
namespace {

namespace fs = std::filesystem;

fs::path folder_for_scratch() {
  if (const char* named = std::getenv("TMPDIR"); named != nullptr && *named != '\0') return named;
  for (const char* folder : {"/var/tmp", "/tmp"}) {
    if (::access(folder, W_OK | X_OK) == 0) return folder;
  }
  return ".";
}

// Of a new file without a name; -1 with errno.
int open_nameless(const fs::path& folder) {
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
  // A file system without such files: the name goes at once.
  std::string name = (folder / ".starling-scratch-XXXXXX").native();
  descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor >= 0) ::unlink(name.c_str());
  return descriptor;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string((bytes >> 20U) + 1) + " MiB"; }

// Moves all bytes with pread or pwrite; the number of the error that ended it, or 0.
template <typename Move>
int move_all(std::size_t size, const Move& move) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t moved = move(done, size - done);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return errno;
    if (moved == 0) return EIO;
    done += static_cast<std::size_t>(moved);
  }
  return 0;
}

}  // namespace

Result<ScratchFile> ScratchFile::create(std::uint64_t wanted) {
  const fs::path folder = folder_for_scratch();
  const int descriptor = open_nameless(folder);
  if (descriptor < 0) return system_error("make a temporary file in", folder, errno);
  ScratchFile file(folder, descriptor);
  STARLING_ASSIGN(const std::uint64_t there, free_bytes(folder));
  if (there < wanted) {
    return limit_error(mebibytes(wanted) + " are needed in " + folder.string() + " for values that wait, and " +
                       mebibytes(there) + " are free: make room, or set TMPDIR to a folder that has it");
  }
  return file;
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      end_(other.end_),
      free_(std::move(other.free_)) {}

ScratchFile& ScratchFile::operator=(ScratchFile&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(end_, other.end_);
  std::swap(free_, other.free_);
  return *this;
}

ScratchFile::~ScratchFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t ScratchFile::take(std::uint64_t bytes) {
  const auto found = std::ranges::find_if(free_, [&](const auto& room) { return room.second >= bytes; });
  if (found == free_.end()) return std::exchange(end_, end_ + bytes);
  const auto [at, length] = *found;
  free_.erase(found);
  if (length > bytes) free_.emplace(at + bytes, length - bytes);
  return at;
}

void ScratchFile::drop(std::uint64_t at, std::uint64_t bytes) {
  if (bytes == 0) return;
  auto after = free_.lower_bound(at);
  if (after != free_.end() && after->first == at + bytes) {
    bytes += after->second;
    after = free_.erase(after);
  }
  if (after != free_.begin()) {
    if (const auto before = std::prev(after); before->first + before->second == at) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace(at, bytes);
}

Result<std::uint64_t> ScratchFile::put(ByteView bytes) {
  const std::uint64_t at = take(bytes.size());
  const int error = move_all(bytes.size(), [&](std::size_t done, std::size_t left) {
    return ::pwrite(descriptor_, bytes.data() + done, left, static_cast<off_t>(at + done));
  });
  if (error == 0) return at;
  drop(at, bytes.size());
  return system_error("write values that wait to a temporary file in", folder_, error);
}

Status ScratchFile::get(std::uint64_t at, std::span<std::uint8_t> bytes) const {
  const int error = move_all(bytes.size(), [&](std::size_t done, std::size_t left) {
    return ::pread(descriptor_, bytes.data() + done, left, static_cast<off_t>(at + done));
  });
  if (error == 0) return {};
  return system_error("read values that waited from a temporary file in", folder_, error);
}

}  // namespace starling::base
