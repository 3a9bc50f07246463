#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"

namespace starling {

// Gives this process, which must have one thread yet, a disk of its own of so many bytes at a folder. False where the
// system does not let it.
inline bool mount_small_disk(const std::filesystem::path& folder, std::uint64_t bytes) {
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) == 0;
}

// Another process's small disk, as this one sees it.
class SmallDisk {
 public:
  SmallDisk(int process, const std::filesystem::path& folder)
      : folder_("/proc/" + std::to_string(process) + "/root" + folder.string()) {}
  // Fills it, but for so many bytes.
  void fill(std::uint64_t left) const {
    std::ofstream file(filler(), std::ios::binary | std::ios::app);
    const std::vector<char> block(4096);
    while (*base::free_bytes(folder_) > left && file.write(block.data(), block.size()).flush()) {
    }
  }
  void empty() const { std::filesystem::remove(filler()); }

 private:
  std::filesystem::path filler() const { return folder_ / "filler"; }
  std::filesystem::path folder_;
};

}  // namespace starling
