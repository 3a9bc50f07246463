#include "cli/temporary_home.h"

#include <system_error>

#include "base/file.h"
#include "base/random.h"

namespace starling::cli {

namespace fs = std::filesystem;

base::Result<std::unique_ptr<TemporaryHome>> TemporaryHome::make(const std::string& purpose) {
  std::error_code error;
  const fs::path room = fs::temp_directory_path(error);
  if (error) return base::io_error("there is no folder for temporary files: set TMPDIR to one");
  fs::path path = room / ("starling-" + purpose + "-" + std::to_string(base::random_u64()));
  STARLING_TRY(base::make_directories(path, base::FileMode::kPrivate));
  return std::unique_ptr<TemporaryHome>(new TemporaryHome(std::move(path)));
}

TemporaryHome::~TemporaryHome() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace starling::cli
