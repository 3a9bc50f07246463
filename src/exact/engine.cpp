#include "exact/engine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "exact/backend.h"
#include "exact/cuda/device_engine.h"
#include "exact/input_check.h"
#include "exact/kernels.h"
#include "exact/packed_operand.h"
#include "exact/plan_body.h"
#include "exact/run_group.h"
#include "exact/run_memory.h"
#include "exact/run_step.h"

namespace starling::exact {
namespace {

using Place = Plan::Body::Place;

// Memory that grows and is kept between runs, so that only the first run pays for its pages.
class Arena {
 public:
  base::Status reserve(std::size_t bytes) {
    if (bytes <= size_) return {};
    const std::size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    memory_.reset();
    size_ = 0;
    memory_ = base::map_memory(rounded);
    if (memory_ == nullptr) {
      return base::Error{base::ErrorCode::kLimit, "no memory for " + std::to_string(rounded >> 20) +
                                                      " MiB of intermediate values; ask for a smaller size or a "
                                                      "shorter video"};
    }
    size_ = rounded;
    return {};
  }
  std::byte* data() { return memory_.get(); }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t size_ = 0;
};

}  // namespace

struct Engine::State {
  State(const Kernels* chosen, int threads) : kernels(chosen), pool(threads) {}
  const Kernels* kernels;  // nullptr: the reference
  base::ThreadPool pool;
  std::function<base::Status()> stop;
  Arena arena;
  Arena scratch;
  Arena workspaces;
  std::unique_ptr<const Packer> packer;
  std::unique_ptr<cuda::DeviceEngine> device;  // if there is one, it runs everything
};

Engine::Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

base::Result<Engine> Engine::create(const EngineOptions& options) {
  std::string backend = options.backend;
  if (backend.empty()) {
    const char* forced = std::getenv("STARLING_BACKEND");
    backend = forced == nullptr ? "" : forced;
  }
  const Kernels* kernels = nullptr;
  const bool on_device = backend == "cuda" || backend == "cuda-emulated";
  std::unique_ptr<cuda::Device> gpu;
  if (backend == "cuda") {
    STARLING_ASSIGN(gpu, cuda::open_gpu());
  }
  if (backend != "reference") {
    STARLING_ASSIGN(kernels, choose_kernels(on_device ? "" : backend));
  }
  if (options.threads < 0 || options.threads > 1024) {
    return base::invalid("threads must be between 0 (one per core) and 1024, not " + std::to_string(options.threads));
  }
  Engine engine;
  engine.state_ = std::make_unique<State>(kernels, options.threads);
  engine.state_->stop = options.stop;
  if (on_device) {
    if (gpu == nullptr) gpu = cuda::emulated_device(engine.state_->pool);
    engine.state_->device = std::make_unique<cuda::DeviceEngine>(std::move(gpu), engine.state_->pool);
  } else if (kernels != nullptr) {
    engine.state_->packer = std::make_unique<const Packer>(*kernels);
  }
  return engine;
}

base::Status check_backend() {
  STARLING_TRY(Engine::create({.backend = {}, .threads = 1}));
  return {};
}

int Engine::threads() const { return state_->pool.threads(); }

const Packer* Engine::packer() const { return state_->packer.get(); }

bool Engine::reads_packed(const Plan& plan, std::size_t input, const Tensor& tensor) {
  const PackedOperand* packed = tensor.packed();
  const Plan::Body& body = plan.body();
  if (packed == nullptr || state_->packer == nullptr || input >= body.read_packed.size()) return false;
  const GraphInput& wanted = body.graph.inputs()[input];
  const bool widens = wanted.type == Type::kF32 && (packed->type == Type::kBf16 || packed->type == Type::kF16);
  if (!body.read_packed[input] || (packed->type != wanted.type && !widens)) return false;
  if (wanted.shape != Shape{packed->columns, packed->depth} || packed->layout != state_->packer->layout() ||
      packed->panels.size() != state_->packer->bytes(packed->type, packed->columns, packed->depth)) {
    return false;
  }
  return packed->intact(state_->pool);
}

base::Result<std::vector<Tensor>> Engine::run(const Plan& plan, std::span<const Tensor> inputs,
                                              std::vector<Tensor>* recycled) {
  const Plan::Body& body = plan.body();
  if (state_->kernels == nullptr) return run_reference(body.graph, inputs);
  std::vector<const PackedOperand*> packed;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    packed.push_back(reads_packed(plan, i, inputs[i]) ? inputs[i].packed() : nullptr);
  }
  STARLING_ASSIGN(const std::vector<Tensor> given,
                  checked_inputs(body.graph, inputs, [&](std::size_t i) { return packed[i] != nullptr; }));
  std::vector<Tensor> constants;
  if (body.constant_plan != nullptr) {
    const std::lock_guard lock(body.constants_mutex);
    if (body.constants.empty()) {
      STARLING_ASSIGN(body.constants, run(*body.constant_plan, {}));
    }
    constants = body.constants;
  }
  base::set_ieee_mode();
  if (state_->device == nullptr) STARLING_TRY(state_->arena.reserve(body.arena_bytes));

  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < body.graph.outputs().size(); ++i) {
    const ValueId value = body.graph.outputs()[i].value;
    if (recycled != nullptr && i < recycled->size() &&
        (*recycled)[i].writable_as(body.graph.type(value), body.graph.shape(value))) {
      outputs.push_back(std::move((*recycled)[i]));
      continue;
    }
    STARLING_ASSIGN(Tensor output, Tensor::uninitialized(body.graph.type(value), body.graph.shape(value)));
    outputs.push_back(std::move(output));
  }

  if (state_->device != nullptr) {
    std::vector<Tensor> read = given;
    read.insert(read.end(), constants.begin(), constants.end());
    STARLING_TRY(state_->device->run(plan, read, outputs, state_->stop));
    STARLING_TRY(checked_outputs(body.graph, outputs, &state_->pool));
    return outputs;
  }

  std::vector<float*> memory(body.places.size(), nullptr);
  std::vector<float> scalars = body.scalars;
  const auto elements = [](const Tensor& tensor) {
    // Inputs and constants are only read; the table has one pointer type for all.
    return reinterpret_cast<float*>(const_cast<std::uint8_t*>(tensor.bytes().data()));
  };
  for (std::size_t value = 0; value < memory.size(); ++value) {
    const Place& place = body.places[value];
    switch (place.kind) {
      case Place::Kind::kNone:
        break;
      case Place::Kind::kInput:
        memory[value] = elements(given[place.index]);
        break;
      case Place::Kind::kArena:
        memory[value] = reinterpret_cast<float*>(state_->arena.data() + place.index);
        break;
      case Place::Kind::kOutput:
        memory[value] = elements(outputs[place.index]);
        break;
      case Place::Kind::kConstant:
        memory[value] = elements(constants[place.index]);
        break;
      case Place::Kind::kScalar:
        memory[value] = &scalars[place.index];
        break;
    }
  }

  const auto threads = static_cast<std::size_t>(state_->pool.threads());
  const ThreadMemory each = thread_memory(*state_->kernels, body, state_->pool.threads());
  STARLING_TRY(state_->scratch.reserve(threads * each.scratch_floats * sizeof(float)));
  std::vector<float*> scratch;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    scratch.push_back(reinterpret_cast<float*>(state_->scratch.data()) + thread * each.scratch_floats);
  }
  STARLING_TRY(state_->workspaces.reserve(threads * each.workspace_bytes));

  const StepContext context{*state_->kernels,
                            state_->pool,
                            body.graph,
                            memory,
                            scratch,
                            {state_->workspaces.data(), threads * each.workspace_bytes},
                            packed};
  for (const Step& step : body.steps) {
    if (state_->stop) STARLING_TRY(state_->stop());
    run_step(context, step);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (body.output_is_place[i]) continue;
    const Location& source = body.output_sources[i];
    const std::size_t size = type_size(outputs[i].type());
    copy_view(context, reinterpret_cast<std::byte*>(elements(outputs[i])), View::contiguous(outputs[i].shape()),
              reinterpret_cast<const std::byte*>(memory[source.base]) +
                  source.view.offset() * static_cast<std::ptrdiff_t>(size),
              source.view, size);
  }
  STARLING_TRY(checked_outputs(body.graph, outputs, &state_->pool));
  return outputs;
}

}  // namespace starling::exact
