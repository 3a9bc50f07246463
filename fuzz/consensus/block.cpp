// Hostile blocks: what is accepted is the only encoding of its block.
#include "consensus/block.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const base::ByteView input(data, size);
  const auto block = consensus::decode_block(input);
  if (!block.ok()) return 0;
  if (block->outcomes.size() != block->transactions.size()) std::abort();
  if (!std::ranges::equal(consensus::encode_block(*block), input)) std::abort();
  return 0;
}
