#pragma once

#include <cstddef>

#include "exact/kernels.h"
#include "exact/plan_body.h"

namespace starling::exact {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20U;

// What an engine has for each of its threads while it runs a plan.
struct ThreadMemory {
  std::size_t scratch_floats = 0;
  std::size_t workspace_bytes = 0;
};
ThreadMemory thread_memory(const Kernels& kernels, const Plan::Body& body, int threads);

// What an engine holds when it runs a program's plans, one after another: as much as the most that was ever needed.
class EngineMemory {
 public:
  // threads 0: one per core. On the backend that an engine chooses by itself.
  explicit EngineMemory(int threads);
  void add(const Plan& plan);
  std::size_t bytes() const;

 private:
  const Kernels& kernels_;
  int threads_;
  std::size_t arena_ = 0;
  std::size_t scratch_ = 0;
  std::size_t workspaces_ = 0;
};

}  // namespace starling::exact
