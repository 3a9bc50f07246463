#pragma once

#include "base/hash.h"
#include "base/result.h"
#include "exact/engine.h"
#include "exact/program.h"

namespace starling::generate {

// The program that providers run to show the ledger how fast they are: a chain of kBenchmarkProducts products of f32
// matrices, kBenchmarkSize on a side, x = (x · wᵀ) / 32, where x and w begin as N(0, 1) from the seed, streams 0 and 1.
// One input, "seed" i32[2]; one call; one output, "product". docs/generate.md has the definition.
inline constexpr std::int64_t kBenchmarkSize = 1024;
inline constexpr int kBenchmarkProducts = 10;
base::Result<exact::Program> benchmark_program();

// Runs it on a seed that the ledger drew, whose first 8 bytes are the program's: the tensor root of the output.
base::Result<base::Hash> run_benchmark(const base::Hash& seed, exact::Engine& engine);

}  // namespace starling::generate
