#include "models/weight_places.h"

#include <algorithm>

#include "base/file.h"
#include "models/safetensors.h"
#include "proof/commitment.h"

namespace starling::models {

base::Result<std::map<std::string, base::Hash>> weight_roots(const Checkpoint& model, base::ThreadPool* pool) {
  const std::vector<std::string> names = model.weight_names();
  std::vector<exact::Tensor> tensors;
  for (const std::string& name : names) {
    STARLING_ASSIGN(exact::Tensor tensor, model.weight(name));
    tensors.push_back(std::move(tensor));
  }
  std::vector<base::Hash> hashes(names.size());
  const auto hash_range = [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) hashes[i] = proof::tensor_root(tensors[i]);
  };
  if (pool == nullptr) {
    hash_range(0, names.size(), 0);
  } else {
    pool->run(names.size(), 1, hash_range);
  }
  std::map<std::string, base::Hash> roots;
  for (std::size_t i = 0; i < names.size(); ++i) roots.emplace(names[i], hashes[i]);
  return roots;
}

base::Result<std::vector<WeightPlace>> weight_places(const Checkpoint& model) {
  std::vector<WeightPlace> places;
  STARLING_ASSIGN(const std::vector<Checkpoint::File> files, model.files());
  for (const Checkpoint::File& file : files) {
    if (!file.name.ends_with(".safetensors")) continue;
    STARLING_ASSIGN(const base::MappedFile mapped, base::MappedFile::open(model.folder() / file.name));
    STARLING_ASSIGN(const SafetensorsHeader header, SafetensorsHeader::parse(mapped.bytes(), file.name));
    const std::string component = file.name.substr(0, file.name.find('/') + 1);
    for (const TensorEntry& entry : header.tensors) {
      places.push_back(
          {component + entry.name, entry.type, file.name, header.data_offset + entry.begin, entry.end - entry.begin});
    }
  }
  std::ranges::sort(places, {}, &WeightPlace::name);
  return places;
}

}  // namespace starling::models
