#include "base/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <utility>

namespace starling::base {
namespace {

enum class State : std::uint8_t { kFree, kHeld, kReady };  // kHeld: somebody writes the name, or removes what it names

// A handler may neither take a lock nor follow a pointer that another thread frees, so names lie in a fixed table.
struct Place {
  std::atomic<State> state = State::kFree;
  TemporaryKind kind = TemporaryKind::kFile;
  std::array<char, 4096> name{};
};
static_assert(std::atomic<State>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
std::array<Place, 64> places;

// Folders below it only if `depth` is not zero. readdir() may allocate, so the folder is read by the system call
// beneath.
void remove_files_in(int parent, const char* name, int depth) {
  const int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return;
  alignas(dirent64) std::array<char, 4096> entries{};
  for (;;) {
    const long size = ::syscall(SYS_getdents64, folder, entries.data(), entries.size());
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      const bool is_dots = std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0;
      if (!is_dots && ::unlinkat(folder, entry->d_name, 0) != 0 && depth > 0) {
        remove_files_in(folder, entry->d_name, depth - 1);
        ::unlinkat(folder, entry->d_name, AT_REMOVEDIR);
      }
      at += entry->d_reclen;
    }
  }
  ::close(folder);
}

void remove(const Place& place) {
  if (place.kind == TemporaryKind::kFile) ::unlink(place.name.data());
  constexpr int kDepth = 8;
  if (place.kind == TemporaryKind::kFolder) remove_files_in(AT_FDCWD, place.name.data(), 0);
  if (place.kind == TemporaryKind::kTree) remove_files_in(AT_FDCWD, place.name.data(), kDepth);
  if (place.kind != TemporaryKind::kFile) ::rmdir(place.name.data());
}

}  // namespace

TemporaryName::TemporaryName(const std::filesystem::path& path, TemporaryKind kind) {
  const std::string& name = path.native();
  if (name.empty() || name.size() >= places[0].name.size()) return;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Place& place = places[i];
    State expected = State::kFree;
    if (!place.state.compare_exchange_strong(expected, State::kHeld)) continue;
    place.kind = kind;
    std::memcpy(place.name.data(), name.c_str(), name.size() + 1);
    place.state.store(State::kReady);
    place_ = static_cast<int>(i);
    return;
  }
}

TemporaryName::TemporaryName(TemporaryName&& other) noexcept : place_(std::exchange(other.place_, -1)) {}

TemporaryName& TemporaryName::operator=(TemporaryName&& other) noexcept {
  std::swap(place_, other.place_);
  return *this;
}

TemporaryName::~TemporaryName() {
  if (place_ < 0) return;
  // A place that a handler holds stays held: the process ends.
  State expected = State::kReady;
  places[static_cast<std::size_t>(place_)].state.compare_exchange_strong(expected, State::kFree);
}

void remove_tree(const char* path) noexcept {
  constexpr int kDepth = 16;
  remove_files_in(AT_FDCWD, path, kDepth);
  ::rmdir(path);
}

void remove_temporaries() noexcept {
  // Folders that must be empty go after what may lie in them.
  for (const bool empty_folders : {false, true}) {
    for (Place& place : places) {
      State expected = State::kReady;
      if (!place.state.compare_exchange_strong(expected, State::kHeld)) continue;
      if ((place.kind == TemporaryKind::kEmptyFolder) == empty_folders) {
        remove(place);
      } else {
        place.state.store(State::kReady);
      }
    }
  }
}

}  // namespace starling::base
