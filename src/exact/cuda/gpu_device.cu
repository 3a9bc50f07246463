#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "exact/cuda/device.h"

namespace starling::exact::cuda {
namespace {

constexpr int kThreads = 256;                    // of a block, where the kernel does not say
constexpr std::int64_t kMostBlocks = 1LL << 20;  // the rest is done in turns
constexpr std::size_t kPieceBytes = 32UL << 20;  // stays in the second cache of today's devices
constexpr int kLeastMajor = 8;                   // mma.sync.m16n8k32 of integers

// A block's threads, all at once.
template <int kBlockThreads>
struct ThreadBlock {
  template <class T>
  class PerThread {
   public:
    __device__ T& operator()(int) { return value_; }

   private:
    T value_;
  };

  template <class F>
  __device__ void each(F f) const {
    f(static_cast<int>(threadIdx.x));
  }
  __device__ void meet() const { __syncthreads(); }

  template <class Registers>
  __device__ void multiply(PerThread<Registers>& registers, int i, int j, bool a_is_unsigned) const {
    Registers& own = registers(0);
    std::int32_t(&sums)[4] = own.sums[i][j];
    const std::uint32_t(&a)[4] = own.a[i];
    const std::uint32_t(&b)[2] = own.b[j];
    if (a_is_unsigned) {
      asm volatile(
          "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    } else {
      asm volatile(
          "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
  }
};

template <class Kernel>
__global__ void run_elements(const __grid_constant__ Kernel kernel) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < kernel.count; i += step) {
    kernel(i);
  }
}

// A thread for each team.
template <class Kernel>
__global__ void run_rows_on_threads(const __grid_constant__ Kernel kernel) {
  const std::int64_t team = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (team >= kernel.teams) return;
  for (std::int64_t row = team; row < kernel.count; row += kernel.teams) kernel(LoopTeam{}, row, team);
}

// Half a warp for each team.
template <class Kernel>
__global__ void run_rows_on_teams(const __grid_constant__ Kernel kernel) {
  const std::int64_t team = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kTeamLanes;
  if (team >= kernel.teams) return;
  for (std::int64_t row = team; row < kernel.count; row += kernel.teams) kernel(WarpTeam{}, row, team);
}

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads) run_tiles(const __grid_constant__ Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  const ThreadBlock<Kernel::kThreads> block;
  for (std::int64_t tile = blockIdx.x; tile < kernel.count; tile += gridDim.x) kernel(block, shared, tile);
}

unsigned blocks_of(std::int64_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

template <class Kernel>
void launch(const Kernel& kernel, cudaStream_t stream) {
  if constexpr (requires { Kernel::kThreads; }) {
    run_tiles<<<static_cast<unsigned>(std::min(kernel.count, kMostBlocks)), Kernel::kThreads, 0, stream>>>(kernel);
  } else {
    run_elements<<<std::min(blocks_of(std::min(kernel.count, kMostBlocks * kThreads)),
                            static_cast<unsigned>(kMostBlocks)),
                   kThreads, 0, stream>>>(kernel);
  }
}

template <class Kernel>
void launch(const ByRows<Kernel>& rows, cudaStream_t stream) {
  const std::int64_t teams = rows.kernel.teams;
  if (rows.on_one_thread) {
    run_rows_on_threads<<<blocks_of(teams), kThreads, 0, stream>>>(rows.kernel);
  } else {
    run_rows_on_teams<<<blocks_of(teams * kTeamLanes), kThreads, 0, stream>>>(rows.kernel);
  }
}

// Has the kernel in the device's memory: it must not have to be brought there while launches are captured.
template <class Kernel>
cudaError_t load(const Kernel*) {
  cudaFuncAttributes attributes{};
  if constexpr (requires { Kernel::kThreads; }) {
    return cudaFuncGetAttributes(&attributes, run_tiles<Kernel>);
  } else {
    return cudaFuncGetAttributes(&attributes, run_elements<Kernel>);
  }
}

template <class Kernel>
cudaError_t load(const ByRows<Kernel>*) {
  cudaFuncAttributes attributes{};
  const cudaError_t error = cudaFuncGetAttributes(&attributes, run_rows_on_threads<Kernel>);
  return error != cudaSuccess ? error : cudaFuncGetAttributes(&attributes, run_rows_on_teams<Kernel>);
}

template <class... Kernels>
cudaError_t load_all(const std::variant<Kernels...>*) {
  cudaError_t error = cudaSuccess;
  (void)((error = load(static_cast<const Kernels*>(nullptr)), error == cudaSuccess) && ...);
  return error;
}

base::Error failed(const char* what, cudaError_t error) {
  return {base::ErrorCode::kInternal, std::string("The CUDA device could not ") + what + ": " +
                                          cudaGetErrorString(error) + "; try again, or unset STARLING_BACKEND"};
}

base::Status checked(const char* what, cudaError_t error) {
  if (error == cudaSuccess) return {};
  return failed(what, error);
}

class Graph : public Recording {
 public:
  explicit Graph(cudaGraphExec_t made) : exec(made) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() override { cudaGraphExecDestroy(exec); }
  cudaGraphExec_t exec;
};

class Gpu : public Device {
 public:
  Gpu(cudaStream_t stream, std::string name) : stream_(stream), name_(std::move(name)) {}
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;
  ~Gpu() override { cudaStreamDestroy(stream_); }

  std::string name() const override { return name_; }
  std::size_t piece_bytes() const override { return kPieceBytes; }

  base::Result<std::size_t> free_bytes() override {
    std::size_t free = 0;
    std::size_t total = 0;
    STARLING_TRY(checked("say how much memory is free", cudaMemGetInfo(&free, &total)));
    return free;
  }
  base::Result<std::byte*> allocate(std::size_t bytes) override {
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, std::max<std::size_t>(bytes, 1));
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it is dealt with
      return base::limit_error("no memory");
    }
    STARLING_TRY(checked("give memory", error));
    return static_cast<std::byte*>(memory);
  }
  void release(std::byte* memory) override { cudaFree(memory); }

  base::Status upload(std::byte* to, base::ByteView from) override {
    STARLING_TRY(checked("take data", cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream_)));
    return checked("take data", cudaStreamSynchronize(stream_));
  }
  base::Status download(std::span<std::uint8_t> to, const std::byte* from) override {
    STARLING_TRY(checked("give data", cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream_)));
    return checked("give data", cudaStreamSynchronize(stream_));
  }

  // Captures the launches as one graph.
  base::Result<std::unique_ptr<Recording>> record(std::vector<Work> works) override {
    STARLING_TRY(checked("begin a graph", cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal)));
    for (const Work& work : works) {
      std::visit([this](const auto& kernel) { launch(kernel, stream_); }, work);
    }
    const cudaError_t launched = cudaGetLastError();
    cudaGraph_t graph = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream_, &graph);
    cudaGraphExec_t exec = nullptr;
    cudaError_t error = launched != cudaSuccess ? launched : ended;
    if (error == cudaSuccess) error = cudaGraphInstantiate(&exec, graph, 0);
    if (graph != nullptr) cudaGraphDestroy(graph);
    STARLING_TRY(checked("make a graph", error));
    return std::unique_ptr<Recording>(std::make_unique<Graph>(exec));
  }

  // A graph is not interrupted: stop is asked before and after it.
  base::Status run(Recording& recording, const std::function<base::Status()>& stop) override {
    if (stop) STARLING_TRY(stop());
    STARLING_TRY(checked("run a graph", cudaGraphLaunch(static_cast<Graph&>(recording).exec, stream_)));
    STARLING_TRY(checked("run a graph", cudaStreamSynchronize(stream_)));
    return stop ? stop() : base::Status();
  }

 private:
  cudaStream_t stream_;
  std::string name_;
};

}  // namespace

base::Result<std::unique_ptr<Device>> open_gpu() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    return base::unsupported(std::string("There is no CUDA device (") +
                             (error != cudaSuccess ? cudaGetErrorString(error) : "none found") +
                             "); unset STARLING_BACKEND to run on the CPU");
  }
  cudaDeviceProp properties{};
  STARLING_TRY(checked("say what it is", cudaGetDeviceProperties(&properties, 0)));
  if (properties.major < kLeastMajor) {
    return base::unsupported(std::string("The CUDA device ") + properties.name + " has compute capability " +
                             std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                             ", and 8.0 is the least; unset STARLING_BACKEND to run on the CPU");
  }
  STARLING_TRY(checked("be chosen", cudaSetDevice(0)));
  STARLING_TRY(checked("load the kernels", load_all(static_cast<const Work*>(nullptr))));
  cudaStream_t stream = nullptr;
  STARLING_TRY(checked("make a stream", cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)));
  return std::unique_ptr<Device>(std::make_unique<Gpu>(stream, properties.name));
}

}  // namespace starling::exact::cuda
