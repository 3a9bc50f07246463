#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/temporary.h"

namespace starling::base {

enum class FileMode : unsigned;

// A file or a folder under construction: hidden beside its target, as ".NAME.<16 hexadecimal digits>.part", until
// somebody gives it its name. It goes with the object unless that was released, and with a signal that ends the program
// (temporary.h). Its maker holds a lock on it (flock), which ends with the process, however that ends. Not thread safe.
class Partial {
 public:
  Partial() = default;
  static Result<Partial> make_file(const std::filesystem::path& target, FileMode mode);
  // A folder for files, not for folders.
  static Result<Partial> make_folder(const std::filesystem::path& target);
  // A folder for files and folders, eight deep.
  static Result<Partial> make_tree(const std::filesystem::path& target);
  Partial(Partial&& other) noexcept;
  Partial& operator=(Partial&& other) noexcept;
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  ~Partial();

  const std::filesystem::path& path() const { return path_; }
  // Of the file, open for writing, or of the folder; -1 of an object without either.
  int descriptor() const { return descriptor_; }
  // What was made has another name by now: nothing is to be removed.
  void release() { path_.clear(); }

 private:
  static Result<Partial> make(const std::filesystem::path& target, TemporaryKind kind, unsigned permissions);
  std::filesystem::path path_;  // empty: nothing to remove
  TemporaryName name_;
  int descriptor_ = -1;
};

// Removes what processes that were killed left under construction for that target: partial files and folders without a
// lock. What a living process makes stays. A folder's first 100,000 entries are looked at.
void remove_abandoned(const std::filesystem::path& target);

}  // namespace starling::base
