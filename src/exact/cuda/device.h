#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "exact/cuda/work.h"

namespace starling::exact::cuda {

// A list of kernels, made ready to be run in order again and again.
class Recording {
 public:
  virtual ~Recording() = default;
};

inline constexpr std::size_t kAlignment = 256;

inline std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// A GPU, or what stands for one. One thread at a time. Memory is the device's own, aligned to kAlignment.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;
  virtual base::Result<std::size_t> free_bytes() = 0;
  virtual base::Result<std::byte*> allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* memory) = 0;
  virtual base::Status upload(std::byte* to, base::ByteView from) = 0;
  virtual base::Status download(std::span<std::uint8_t> to, const std::byte* from) = 0;
  // Bytes of intermediate values that a piece of a product should have.
  virtual std::size_t piece_bytes() const = 0;
  virtual base::Result<std::unique_ptr<Recording>> record(std::vector<Work> works) = 0;
  virtual base::Status run(Recording& recording, const std::function<base::Status()>& stop) = 0;
};

// The first CUDA device: kUnsupported where there is none, or in a build without CUDA.
base::Result<std::unique_ptr<Device>> open_gpu();

// Runs the bodies of the kernels on the CPU, the threads of a block one after another; the pool's threads take blocks.
// It shows what the kernels compute, not how fast. `bytes` are all it has.
std::unique_ptr<Device> emulated_device(base::ThreadPool& pool,
                                        std::size_t bytes = std::numeric_limits<std::size_t>::max() / 2);

}  // namespace starling::exact::cuda
