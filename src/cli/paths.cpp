#include "cli/paths.h"

#include <string>

namespace starling::cli {

namespace fs = std::filesystem;

fs::path receipt_path(const fs::path& video) {
  // A path that ends in a slash names a folder: its last part is empty.
  const fs::path named = video.has_filename() ? video : video.parent_path();
  return named.parent_path() / (named.stem().string() + ".receipt.json");
}

fs::path trace_path(const fs::path& receipt) {
  std::string name = receipt.filename().string();
  for (const std::string ending : {".json", ".receipt"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return receipt.parent_path() / (name + ".trace");
}

}  // namespace starling::cli
