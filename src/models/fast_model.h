#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "models/checkpoint.h"

namespace starling::models {

// A model may come with a kin that was distilled to few steps without guidance: a whole model in its folder "fast",
// with a root, a receipt and scores of its own. Its scheduler says how many steps (SchedulerConfig::student_steps).
inline constexpr const char* kFastFolder = "fast";

struct FastModel {
  std::filesystem::path folder;
  std::int64_t steps = 0;
};

// kNotFound if there is none, kInvalidArgument if what is there makes videos in no fewer steps than others.
base::Result<FastModel> fast_model(const std::filesystem::path& model);

// A model's kin, if it is the model of that root.
std::optional<Checkpoint> kin_of_root(const std::filesystem::path& model, const base::Hash& root,
                                      base::ThreadPool* pool = nullptr);

// The model's folder, and that of its kin if there is a model.
std::vector<std::filesystem::path> model_family(const std::filesystem::path& model);

// As networks and programs call it: "bundled", and "bundled-fast" its kin.
std::string model_name(const std::filesystem::path& model);

}  // namespace starling::models
