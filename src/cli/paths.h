#pragma once

#include <filesystem>

namespace starling::cli {

// The receipt beside a video: out.receipt.json for out.mp4, and for a folder or a sequence of pictures as well.
std::filesystem::path receipt_path(const std::filesystem::path& video);
// The call outputs beside a receipt: out.trace for out.receipt.json.
std::filesystem::path trace_path(const std::filesystem::path& receipt);

}  // namespace starling::cli
