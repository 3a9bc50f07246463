#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/program.h"
#include "exact/tensor.h"

namespace starling::proof {

// How such a file begins, and the bytes before each output's own: its root, and whether it is kept.
inline constexpr std::string_view kTraceMagic = "starling trace 1";
inline constexpr std::size_t kTraceHead = 33;

// An output of a call in a trace file (docs/trace.md).
struct TraceEntry {
  base::Hash root;
  exact::Type type = exact::Type::kF32;
  exact::Shape shape;
  bool kept = false;
  std::size_t at = 0;  // in the file, if it is kept
};

// By call and output, what such a file of this program holds, if the calls' roots are these. `name` names it in errors.
base::Result<std::vector<std::vector<TraceEntry>>> read_trace_layout(base::ByteView file, const std::string& name,
                                                                     const exact::Program& program,
                                                                     const std::vector<base::Hash>& calls);

// Precondition: it is kept. kCorrupt when these are not the bytes of its root.
base::Result<exact::Tensor> read_trace_entry(base::ByteView file, const TraceEntry& entry, std::size_t call);

}  // namespace starling::proof
