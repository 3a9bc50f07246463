#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/temporary.h"

namespace starling::cli {

// A private folder that is gone with this object, or with the process, however that ends: a keeper, a process that
// does nothing else, removes it when this process and all programs that it started meanwhile are gone.
class TemporaryHome {
 public:
  // purpose: a word in its name.
  static base::Result<std::unique_ptr<TemporaryHome>> make(const std::string& purpose);
  ~TemporaryHome();
  TemporaryHome(const TemporaryHome&) = delete;
  TemporaryHome& operator=(const TemporaryHome&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryHome(std::filesystem::path path);
  base::Status start_keeper();
  std::filesystem::path path_;
  base::TemporaryName name_;
  int alive_ = -1;  // whoever holds it, here and in programs started from here, keeps the keeper waiting
  pid_t keeper_ = -1;
};

}  // namespace starling::cli
