// Hostile programs: what is accepted has one encoding, and a root and a count of work that do not fail.
#include "exact/program.h"

#include <cstdlib>
#include <cstring>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto program = exact::Program::decode({data, size});
  if (!program.ok()) return 0;
  const base::Bytes again = program->encode();
  if (again.size() != size || std::memcmp(again.data(), data, size) != 0) std::abort();
  const auto decoded = exact::Program::decode(again);
  if (!decoded.ok() || decoded->root() != program->root()) std::abort();
  const exact::Work work = program->work();
  if (work.elements != decoded->work().elements) std::abort();
  return 0;
}
