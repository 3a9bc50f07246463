#include "cli/commands.h"
#include "cli/output.h"

namespace starling::cli {

Action declare_version(Options& options) {
  auto json = std::make_shared<bool>(false);
  options.flag("--json", *json, "Print one JSON object");
  return [json]() -> base::Result<int> {
    print(*json ? "{\"version\":\"" STARLING_VERSION "\"}" : "starling " STARLING_VERSION);
    return kFine;
  };
}

}  // namespace starling::cli
