#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace starling::cli {

// What a machine can do at most, measured with so many threads.
struct Peaks {
  double bytes = 0.0;     // a second, of a copy of 256 MiB: the better of one with plain stores and one past the caches
  double floats = 0.0;    // operations a second of f32, two for each fma
  double integers = 0.0;  // operations a second of products of 8 bits, two for each multiply-add
  double mixed = 0.0;     // operations a second of f32 between products, each one instruction's, an fma as well
  double divisions = 0.0;
  std::string float_instructions;
  std::string integer_instructions;
};

// Of the backend that STARLING_BACKEND names, where it is one of this CPU's.
base::Result<Peaks> measure_peaks(int threads);

// One operator at one shape. Bytes are those of its inputs and its results, each once; operations are counted from the
// definitions (docs/exact.md). A limit is the time that its peak allows.
struct OperatorTime {
  std::string name;
  std::string shape;
  double seconds = 0.0;  // median
  double bytes = 0.0;
  double floats = 0.0;  // of products, as integers
  double integers = 0.0;
  double mixed = 0.0;      // of what is between products
  double divisions = 0.0;  // and square roots
  double memory_seconds = 0.0;
  double arithmetic_seconds = 0.0;  // products, and of the others the longer of divisions and all else
  std::string limit;                // "memory" or "arithmetic": the one that takes longer
  double limit_seconds = 0.0;       // of that one alone
  double arena_bytes = 0.0;         // intermediate values in memory
};

struct OperatorBench {
  int threads = 0;
  Peaks peaks;
  std::vector<OperatorTime> operators;
};

// Operators as a Wan transformer of 1.3 billion parameters and the bundled model use them, those whose name or shape
// contains `only`. With one thread time is what the process ran, with more it is the clock's.
base::Result<OperatorBench> bench_operators(int threads, const std::string& only);

base::Json to_json(const OperatorBench& bench);
void print_table(const OperatorBench& bench);

}  // namespace starling::cli
