// Hostile header files, as `verify --header` takes them: what is read is written and read back the same, and shows
// nothing of a state.
#include <cstdlib>
#include <string_view>

#include "consensus/header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto json = base::Json::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!json.ok()) return 0;
  const auto header = consensus::read_header_json(*json);
  if (!header.ok()) return 0;
  const auto again = consensus::read_header_json(consensus::header_json(*header));
  if (!again.ok() || *again != *header) std::abort();
  const base::ByteView key = base::as_bytes("key");
  if (consensus::verify_state_proof(*header, base::Address(), key, key, {}).ok()) std::abort();
  return 0;
}
