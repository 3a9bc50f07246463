#include "cli/gateway_home.h"

#include "base/file.h"
#include "node/key_store.h"

namespace starling::cli {

base::Result<std::filesystem::path> gateway_home(const std::string& given) {
  std::filesystem::path home = given;
  if (home.empty()) {
    STARLING_ASSIGN(const node::KeyHome keys, node::KeyHome::from_environment());
    home = keys.directory / "gateway";
  }
  home = std::filesystem::absolute(home);
  STARLING_TRY(base::make_directories(home, base::FileMode::kPrivate));
  return home;
}

base::Result<std::unique_ptr<jobs::Database>> open_gateway_database(const std::filesystem::path& home) {
  return jobs::Database::open(home / "jobs.sqlite");
}

}  // namespace starling::cli
