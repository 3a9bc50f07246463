#include "base/partial.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/random.h"

namespace starling::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSaltBytes = 8;
constexpr std::string_view kEnding = ".part";

// What the hidden names of a target begin with. A long name is cut, to stay within what file systems allow.
std::string hidden_start(const fs::path& target) {
  std::string start(1, '.');
  start.append(target.filename().native(), 0, 200).append(1, '.');
  return start;
}

fs::path hidden_path(const fs::path& target) {
  Bytes salt(kSaltBytes);
  fill_random(salt);
  return target.parent_path() / hidden_start(target).append(to_hex(salt)).append(kEnding);
}

bool is_hidden_name(std::string_view name, std::string_view start) {
  if (name.size() != start.size() + 2 * kSaltBytes + kEnding.size()) return false;
  if (!name.starts_with(start) || !name.ends_with(kEnding)) return false;
  return std::ranges::all_of(name.substr(start.size(), 2 * kSaltBytes),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

fs::path folder_of(const fs::path& target) {
  const fs::path parent = target.parent_path();
  return parent.empty() ? "." : parent;
}

Error making_error(const fs::path& target, int number) {
  if (number != ENOENT) return system_error("write", target, number);
  const fs::path folder = folder_of(target);
  const std::string start = "cannot write " + target.string() + ": ";
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) {
    return io_error(start + "no file can be made in " + folder.string() + "; choose another folder");
  }
  return not_found(start + "there is no folder " + folder.string() + "; make it, or choose another");
}

// Of a new entry; -1 with errno.
int make_entry(const fs::path& path, TemporaryKind kind, unsigned permissions) {
  if (kind != TemporaryKind::kFile) {
    if (::mkdir(path.c_str(), permissions) != 0) return -1;
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  }
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

void remove_unlocked(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    if (S_ISREG(status.st_mode)) ::unlink(path.c_str());
    if (S_ISDIR(status.st_mode)) remove_tree(path.c_str());
  }
  ::close(descriptor);
}

}  // namespace

Result<Partial> Partial::make(const fs::path& target, TemporaryKind kind, unsigned permissions) {
  constexpr int kTries = 16;
  for (int i = 0; i < kTries; ++i) {
    Partial made;
    made.path_ = hidden_path(target);
    made.name_ = TemporaryName(made.path_, kind);
    made.descriptor_ = make_entry(made.path_, kind, permissions);
    if (made.descriptor_ < 0) return making_error(target, errno);
    // Where locks are not known, nobody else gets one either, so nothing is taken for abandoned.
    while (::flock(made.descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
    // Before it was locked, remove_abandoned() of another process may have taken it.
    struct stat status {};
    if (::lstat(made.path_.c_str(), &status) == 0) return made;
  }
  return io_error("cannot write " + target.string() + ": what is written beside it disappears; choose another place");
}

Result<Partial> Partial::make_file(const fs::path& target, FileMode mode) {
  return make(target, TemporaryKind::kFile, static_cast<unsigned>(mode));
}

Result<Partial> Partial::make_folder(const fs::path& target) { return make(target, TemporaryKind::kFolder, 0777); }

Result<Partial> Partial::make_tree(const fs::path& target) { return make(target, TemporaryKind::kTree, 0777); }

Partial::Partial(Partial&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Partial& Partial::operator=(Partial&& other) noexcept {
  std::swap(path_, other.path_);
  name_ = std::move(other.name_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Partial::~Partial() {
  if (!path_.empty() && ::unlink(path_.c_str()) != 0) remove_tree(path_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void remove_abandoned(const fs::path& target) {
  std::error_code error;
  fs::path place = target;
  if (fs::is_symlink(target, error)) {
    place = fs::canonical(target, error);
    if (error) return;
  }
  if (!place.has_filename()) return;
  const std::string start = hidden_start(place);
  int left = 100'000;
  fs::directory_iterator entry(folder_of(place), error);
  for (; !error && entry != fs::directory_iterator() && left > 0; entry.increment(error), --left) {
    const std::string name = entry->path().filename().native();
    if (is_hidden_name(name, start)) remove_unlocked(entry->path());
  }
}

}  // namespace starling::base
