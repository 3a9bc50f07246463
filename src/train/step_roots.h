#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/tensor.h"
#include "train/state.h"

namespace starling::train {

// list_root() of the tensors' roots, in their order.
base::Hash tensors_root(const std::vector<exact::Tensor>& tensors, base::ThreadPool* pool = nullptr);

// What a list keeps of a root: its first bytes. Another state of the same ones takes 2⁶⁴ trainings to find.
using StepRoot = std::uint64_t;  // little-endian
StepRoot shortened(const base::Hash& root);

inline constexpr std::string_view kStepRootsName = "steps.roots";

// What a run went through, by tensors_root() of its parameters' values. The file steps.roots in the run's folder:
//   8 bytes   "STARSTP1"
//   u64       first: the updates made when the list begins
//   32 bytes  the root then
//   8 bytes   of the root after update first + 1, first + 2, ... each
struct StepRoots {
  std::uint64_t first = 0;
  base::Hash start;
  std::vector<StepRoot> roots;

  std::uint64_t last() const { return first + roots.size(); }
  // Whether the run was in a state of this root after `step` updates. False when the list does not tell.
  bool has(std::uint64_t step, const base::Hash& root) const;
};
base::Bytes encode_step_roots(const StepRoots& list);
base::Result<StepRoots> decode_step_roots(base::ByteView bytes);

// Writes that file as a run goes on.
class StepRootsLog {
 public:
  // Goes on after `step` updates, in a state of this root: what the file has of later ones is dropped, since they will
  // be made again. A file that is not of this run, or damaged, gives way to a list that begins here.
  static base::Result<StepRootsLog> open(const std::filesystem::path& folder, std::uint64_t step,
                                         const base::Hash& root);
  StepRootsLog(StepRootsLog&& other) noexcept;
  StepRootsLog& operator=(StepRootsLog&&) = delete;
  StepRootsLog(const StepRootsLog&) = delete;
  StepRootsLog& operator=(const StepRootsLog&) = delete;
  ~StepRootsLog();

  base::Status add(const base::Hash& root);
  // Makes what was added last, as a checkpoint must find it.
  base::Status sync();

 private:
  StepRootsLog(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace starling::train
