// Hostile configuration files: whatever is accepted is valid, and what is written from it reads back the same.
#include "models/config.h"

#include <cstdlib>
#include <string_view>

namespace {

template <typename Parse, typename Write>
void check(std::string_view text, const Parse& parse, const Write& write) {
  const auto config = parse(text);
  if (!config.ok()) return;
  const std::string written = write(*config);
  const auto again = parse(written);
  if (!again.ok() || write(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::models;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text, parse_umt5_config, write_umt5_config);
  check(text, parse_transformer_config, write_transformer_config);
  check(text, parse_vae_config, write_vae_config);
  check(text, parse_scheduler_config, write_scheduler_config);
  check(text, parse_pipeline_config, write_pipeline_config);
  return 0;
}
