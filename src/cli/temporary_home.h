#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace starling::cli {

// A private folder that is gone with this object.
class TemporaryHome {
 public:
  // purpose: a word in its name.
  static base::Result<std::unique_ptr<TemporaryHome>> make(const std::string& purpose);
  ~TemporaryHome();
  TemporaryHome(const TemporaryHome&) = delete;
  TemporaryHome& operator=(const TemporaryHome&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryHome(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace starling::cli
