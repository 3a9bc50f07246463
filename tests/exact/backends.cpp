#include "backends.h"

#include "exact/engine.h"
#include "exact/kernels.h"

namespace starling::exact {

const std::vector<std::string>& all_backends() {
  static const std::vector<std::string> kAll = [] {
    std::vector<std::string> names;
    for (const Kernels* kernels : available_kernels()) names.emplace_back(kernels->name);
    names.emplace_back("cuda-emulated");
    if (Engine::create({"cuda", 1}).ok()) names.emplace_back("cuda");
    return names;
  }();
  return kAll;
}

bool is_cuda(const std::string& backend) { return backend.starts_with("cuda"); }

}  // namespace starling::exact
