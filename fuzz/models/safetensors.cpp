// Hostile safetensors files: whatever is accepted lies within the file.
#include "models/safetensors.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto header = models::SafetensorsHeader::parse({data, size}, "input");
  if (!header.ok()) return 0;
  std::uint64_t covered = 0;
  for (const models::TensorEntry& entry : header->tensors) {
    const auto bytes = static_cast<std::uint64_t>(entry.shape.elements()) * exact::type_size(entry.type);
    if (entry.end - entry.begin != bytes || header->data_offset + entry.end > size) std::abort();
    covered += bytes;
  }
  if (header->data_offset + covered != size) std::abort();
  return 0;
}
