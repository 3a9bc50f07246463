#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/temporary.h"

namespace starling::video {

// A file name with one frame number in it: name-%d.png or name-%04d.png.
struct Pattern {
  std::string before;
  int digits = 0;  // padded with zeros to at least so many; at most 9
  std::string after;

  std::string name(int number) const;
  // The number in a file name that follows the pattern, as name() writes it.
  std::optional<int> number_of(std::string_view file_name) const;
};

// Nothing if the name holds no %d or %0Nd, or more than one, or another %.
std::optional<Pattern> parse_pattern(std::string_view file_name);

// Where the frames of a sequence lie: path itself with frame-%04d.png if it is a folder or ends in a slash, else path's
// folder and the pattern of its last part, or nothing if that is none.
struct Sequence {
  std::filesystem::path folder;
  Pattern pattern;
};
std::optional<Sequence> parse_sequence(const std::filesystem::path& path);

// The path between quotation marks, for messages.
std::string quoted(const std::filesystem::path& path);

// A file, or a folder of files, under construction beside its target, on the same file system; removed unless
// published, also by a signal that ends the program (base/temporary.h).
class PartialPath {
 public:
  // The name is hidden and differs for every object of every process.
  explicit PartialPath(std::filesystem::path target, base::TemporaryKind kind = base::TemporaryKind::kFile);
  ~PartialPath();
  PartialPath(const PartialPath&) = delete;
  PartialPath& operator=(const PartialPath&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& target() const { return target_; }

  // Makes the bytes of a file durable and moves it onto the target, replacing what was there.
  base::Status publish();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  base::TemporaryName name_;
};

}  // namespace starling::video
