#pragma once

#include "exact/engine.h"
#include "exact/program.h"
#include "models/checkpoint.h"

namespace starling::models {

// A model whose transformer's blocks compute in integers of 8 bits, made from one of f32. Every linear layer of the
// blocks keeps its weight as i8 with a scale for each row (quantize_rows, docs/exact.md); all else stays as it is
// stored.

// One call for each such weight; the outputs have the names of the new weights.
base::Result<exact::Program> quantization_program(const ModelConfig& source);

// The model's root goes into what it becomes. kUnsupported if it is quantised already.
base::Result<NewCheckpoint> quantize(const Checkpoint& source, const base::Hash& source_root, exact::Engine& engine,
                                     const exact::RunObserver& observer = {});

}  // namespace starling::models
