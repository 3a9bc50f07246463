#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

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

}  // namespace starling::video
