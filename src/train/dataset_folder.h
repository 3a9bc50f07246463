#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/dataset.h"

namespace starling::train {

// Any folder of videos with captions, in one of two forms:
//   metadata.jsonl   a line of JSON for each video: "file_name" (a path inside the folder), "text" or "caption"
//   clip.mp4         with the caption beside it in clip.txt; also .mkv .mov .webm .avi .gif .png .jpg .jpeg
// Item i is video i modulo their number, resampled to the wanted frame rate and scaled and cut to the wanted size; of a
// longer video than wanted a stretch that depends on the seed and i, within its first minute. Captions are UTF-8, not
// empty, at most 4096 bytes. Files are read when asked for.
class FolderDataset : public Dataset {
 public:
  // Errors name the file or the line: a folder without videos, a video without a caption, a path that leaves the
  // folder, a file that is not there. Bounds: 2^20 videos, 64 MiB of metadata.jsonl.
  static base::Result<FolderDataset> open(const std::filesystem::path& folder, const ClipShape& shape,
                                          std::uint64_t seed = 0);
  FolderDataset(FolderDataset&& other) noexcept
      : folder_(std::move(other.folder_)),
        shape_(other.shape_),
        seed_(other.seed_),
        videos_(std::move(other.videos_)) {}

  base::Result<Clip> clip(std::uint64_t index) const override;
  std::string caption(std::uint64_t index, std::uint64_t epoch) const override;
  // Of names, file sizes, captions, shape and seed.
  base::Hash identity() const override;

  std::optional<std::uint64_t> items() const override { return videos_.size(); }

  std::size_t videos() const { return videos_.size(); }
  // Reads every video once, so that a bad one is found before training and not hours into it. Calls `progress` with the
  // number read, and stops with its error if it gives one.
  base::Status check(const std::function<base::Status(std::size_t)>& progress = {}) const;

 private:
  struct Video {
    std::string name;  // relative to the folder
    std::string caption;
    std::uint64_t bytes = 0;
  };

  FolderDataset(std::filesystem::path folder, const ClipShape& shape, std::uint64_t seed)
      : folder_(std::move(folder)), shape_(shape), seed_(seed) {}
  base::Status read_metadata(const std::string& text);
  base::Status read_pairs();
  base::Status add(std::string name, std::string caption, const std::string& where);

  std::filesystem::path folder_;
  ClipShape shape_;
  std::uint64_t seed_;
  std::vector<Video> videos_;
};

}  // namespace starling::train
