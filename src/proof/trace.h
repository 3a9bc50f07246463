#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/program.h"
#include "exact/tensor.h"
#include "proof/trace_layout.h"

namespace starling::proof {

// The roots of the outputs of one call; the call's own root is list_root() of them.
using OutputRoots = std::vector<base::Hash>;
OutputRoots output_roots(const std::vector<exact::Tensor>& outputs, base::ThreadPool* pool = nullptr);

// Outputs of calls that somebody kept, so that later calls can be run without running those.
class KeptOutputs {
 public:
  virtual ~KeptOutputs() = default;
  virtual bool has(std::uint32_t call, std::uint32_t output) const = 0;
  // Precondition: has(call, output). kCorrupt when these are not the bytes that were kept.
  virtual base::Result<exact::Tensor> read(std::uint32_t call, std::uint32_t output) const = 0;

 protected:
  KeptOutputs() = default;
  KeptOutputs(const KeptOutputs&) = default;
  KeptOutputs(KeptOutputs&&) = default;
  KeptOutputs& operator=(const KeptOutputs&) = default;
  KeptOutputs& operator=(KeptOutputs&&) = default;
};

// The file beside a receipt: for each call in order the roots of its outputs, and those outputs themselves that are
// kept, so that a later call can be run again alone (docs/trace.md has the format). Appears whole or not at all.
class TraceWriter {
 public:
  static base::Result<TraceWriter> create(const std::filesystem::path& path);
  // The next call. kept: by output, whether its bytes are written.
  base::Status add(const OutputRoots& roots, const std::vector<exact::Tensor>& outputs, const std::vector<bool>& kept);
  base::Status commit() { return file_.commit(base::Durability::kWhole); }

 private:
  explicit TraceWriter(base::AtomicFile file) : file_(std::move(file)) {}
  base::AtomicFile file_;
};

// The size of such a file of a run of this program. kept: whether the outputs of a call are.
std::uint64_t trace_bytes(const exact::Program& program, const std::function<bool(std::uint32_t call)>& kept);

// Reads such a file against the program it belongs to and the calls' roots, which a receipt has. Nothing that does not
// follow from them is believed: a changed byte anywhere is kCorrupt, from open() or from read().
class TraceReader final : public KeptOutputs {
 public:
  static base::Result<TraceReader> open(const std::filesystem::path& path, const exact::Program& program,
                                        const std::vector<base::Hash>& calls);
  bool has(std::uint32_t call, std::uint32_t output) const override;
  base::Result<exact::Tensor> read(std::uint32_t call, std::uint32_t output) const override;
  // Reads everything that was kept.
  base::Status check_all() const;

 private:
  explicit TraceReader(base::MappedFile file) : file_(std::move(file)) {}
  base::MappedFile file_;
  std::vector<std::vector<TraceEntry>> entries_;  // by call and output
};

}  // namespace starling::proof
