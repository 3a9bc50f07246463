#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "exact/kernels.h"

namespace starling::cli {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

}  // namespace

Action declare_version(Options& options) {
  auto json = std::make_shared<bool>(false);
  options.flag("--json", *json, "Print one JSON object");
  return [json]() -> base::Result<int> {
    if (!*json) print("starling " STARLING_VERSION);
    base::Json backends = base::Json::empty_array();
    std::string names;
    for (const exact::Kernels* kernels : exact::available_kernels()) {
      backends.push(kernels->name);
      names += std::string(names.empty() ? "" : ", ") + kernels->name;
    }
    if (*json) {
      base::Json object = base::Json::empty_object();
      object.set("version", STARLING_VERSION);
      object.set("compiler", kCompiler);
      object.set("backends", std::move(backends));
      print_json(object);
    } else {
      print("backends of this machine, best first: " + names);
      print(std::string("built with ") + kCompiler);
    }
    return kFine;
  };
}

}  // namespace starling::cli
