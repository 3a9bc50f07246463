#pragma once

#include <filesystem>
#include <memory>

#include "video/paths.h"
#include "video/writer.h"

namespace starling::video {

base::Result<std::unique_ptr<Writer>> open_container_writer(const std::filesystem::path& path, FileType type, int width,
                                                            int height, const WriterOptions& options);
base::Result<std::unique_ptr<Writer>> open_picture_writer(const std::filesystem::path& path, int width, int height);
base::Result<std::unique_ptr<Writer>> open_sequence_writer(const std::filesystem::path& path, int width, int height);

}  // namespace starling::video
