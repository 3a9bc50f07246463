#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/recipe.h"
#include "train/state.h"

namespace starling::train {

// A checkpoint file, CHECKPOINT-STEP.starling in the run's folder:
//   8 bytes   "STARTRN1"
//   u64       length of the header
//   header    canonical encoding (base/encoding.h): text recipe, u64 step, u32 number of parameters, and for each its
//             name (text), rank (u8) and sizes (i64 each)
//   tensors   f32, little-endian, one after the other: β1 and β2 powers, then all values, all first moments, all second
//             moments, all averages, each in the order of the header
//   32 bytes  SHA-256 of everything before
// It is written under another name and renamed, so a name stands for a whole file; the newest two are kept, and those
// of multiples of keep_every if it is not 0.
struct Checkpoint {
  Recipe recipe;
  TrainingState state;
};

base::Status save_checkpoint(const std::filesystem::path& folder, const Recipe& recipe, const TrainingState& state,
                             std::uint64_t keep_every = 0);

// The steps of a folder's checkpoints, ascending.
base::Result<std::vector<std::uint64_t>> checkpoint_steps(const std::filesystem::path& folder);
// The checkpoint of that step. One that cannot be read is an error.
base::Result<Checkpoint> load_checkpoint(const std::filesystem::path& folder, std::uint64_t step);

// The newest checkpoint of a folder; nothing if there is none. A checkpoint that cannot be read is an error, and so is
// one whose parameters are not `parameters` by name and shape.
base::Result<std::optional<Checkpoint>> load_newest_checkpoint(const std::filesystem::path& folder,
                                                               const std::vector<models::Parameter>& parameters);
// The same without an expectation: parameters have no initialisers then.
base::Result<std::optional<Checkpoint>> load_newest_checkpoint(const std::filesystem::path& folder);

}  // namespace starling::train
