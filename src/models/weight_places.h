#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/tensor.h"
#include "models/checkpoint.h"

namespace starling::models {

// The tensor root of each weight as it is stored, by name. Reads all weights; pool, if any, shares the work.
base::Result<std::map<std::string, base::Hash>> weight_roots(const Checkpoint& model, base::ThreadPool* pool = nullptr);

// Where a weight lies in its model's files, for whoever takes it from there.
struct WeightPlace {
  std::string name;
  exact::Type type = exact::Type::kF32;  // as it is stored
  std::string file;                      // as "vae/diffusion_pytorch_model.safetensors"
  std::uint64_t at = 0;                  // in the file
  std::uint64_t bytes = 0;
};
// In the order of weight_names().
base::Result<std::vector<WeightPlace>> weight_places(const Checkpoint& model);

}  // namespace starling::models
