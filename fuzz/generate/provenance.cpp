// Hostile MP4 files: what one says of its origin, if it is accepted, is written and read back as the same.
#include "generate/provenance.h"

#include <cstdint>
#include <cstdlib>

#include "video/xmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto packet = video::read_xmp({data, size});
  if (!packet.ok() || !packet->has_value()) return 0;
  const auto said = generate::read_provenance(**packet);
  if (!said.ok()) return 0;
  const auto again = generate::read_provenance(generate::provenance_packet(*said));
  if (!again.ok() || again->output != said->output || again->prompt != said->prompt) std::abort();
  return 0;
}
