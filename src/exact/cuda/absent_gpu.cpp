#if !defined(STARLING_CUDA)

#include "exact/cuda/device.h"

namespace starling::exact::cuda {

base::Result<std::unique_ptr<Device>> open_gpu() {
  return base::unsupported(
      "This program was built without CUDA; unset STARLING_BACKEND to run on the CPU, or build with "
      "-DSTARLING_CUDA=ON");
}

}  // namespace starling::exact::cuda

#endif
