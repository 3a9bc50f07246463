#pragma once

#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "exact/cuda/device.h"
#include "exact/engine.h"

namespace starling::exact::cuda {

// Runs plans on a device. What a plan was given stays there, so that weights travel once; each plan's kernels are
// recorded once, and again only where memory has moved. What the device holds is counted before a run, and plans that
// have not been run for longest make room.
class DeviceEngine {
 public:
  DeviceEngine(std::unique_ptr<Device> device, base::ThreadPool& pool);
  ~DeviceEngine();
  DeviceEngine(const DeviceEngine&) = delete;
  DeviceEngine& operator=(const DeviceEngine&) = delete;

  // `given` are the graph's inputs, checked, and then the plan's constants. kLimit where the device has too little
  // memory.
  base::Status run(const Plan& plan, std::span<const Tensor> given, std::span<Tensor> outputs,
                   const std::function<base::Status()>& stop);

 private:
  class Memory;
  struct Given;
  struct Prepared;

  Prepared& prepared(const Plan& plan);
  void let_go();
  base::Status make_room(std::size_t bytes);
  base::Result<std::shared_ptr<Memory>> allocate(std::size_t bytes);
  const Given* holder(const Prepared& asking, const Tensor& tensor) const;
  base::Status place(Prepared& run, std::span<const Tensor> given);
  base::Status record(Prepared& run);

  std::unique_ptr<Device> device_;
  base::ThreadPool& pool_;
  std::shared_ptr<Memory> arena_;  // intermediate values, then the workspace
  std::list<Prepared> prepared_;   // the last to have been run first
};

}  // namespace starling::exact::cuda
