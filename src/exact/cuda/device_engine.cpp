#include "exact/cuda/device_engine.h"

#include <algorithm>
#include <utility>

#include "exact/cuda/binding.h"
#include "exact/plan_body.h"

namespace starling::exact::cuda {
namespace {

using Place = Plan::Body::Place;

constexpr std::size_t kMostPrepared = 16;

bool same_memory(const Tensor& a, const Tensor& b) {
  return !a.empty() && !b.empty() && a.bytes().data() == b.bytes().data() && a.byte_size() == b.byte_size();
}

}  // namespace

class DeviceEngine::Memory {
 public:
  Memory(Device& device, std::byte* data, std::size_t bytes) : device_(device), data_(data), bytes_(bytes) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { device_.release(data_); }
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  Device& device_;
  std::byte* data_;
  std::size_t bytes_;
};

// What an input or constant of a plan was last. Holding the tensor keeps others from writing to its memory.
struct DeviceEngine::Given {
  Tensor tensor;
  std::shared_ptr<Memory> memory;
  bool is_lasting = false;  // it was the same_memory in two runs
};

struct DeviceEngine::Prepared {
  Plan plan;
  std::size_t workspace_bytes = 0;
  std::size_t descriptor_bytes = 0;
  std::size_t output_bytes = 0;
  std::vector<std::size_t> output_offsets;
  std::vector<Given> given;
  std::shared_ptr<Memory> outputs;
  std::shared_ptr<Memory> descriptors;
  std::unique_ptr<Recording> recording;
  std::vector<const std::byte*> recorded;  // the addresses that the recording has
};

DeviceEngine::DeviceEngine(std::unique_ptr<Device> device, base::ThreadPool& pool)
    : device_(std::move(device)), pool_(pool) {}
DeviceEngine::~DeviceEngine() = default;

DeviceEngine::Prepared& DeviceEngine::prepared(const Plan& plan) {
  const auto found =
      std::ranges::find_if(prepared_, [&](const Prepared& run) { return &run.plan.body() == &plan.body(); });
  if (found != prepared_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found);
    return prepared_.front();
  }
  if (prepared_.size() == kMostPrepared) prepared_.pop_back();
  Prepared& run = prepared_.emplace_front();
  run.plan = plan;
  const Plan::Body& body = plan.body();
  for (const GraphOutput& output : body.graph.outputs()) {
    run.output_offsets.push_back(run.output_bytes);
    const auto elements = static_cast<std::size_t>(body.graph.shape(output.value).elements());
    run.output_bytes += aligned(elements * type_size(body.graph.type(output.value)));
  }
  // Sizes alone: nothing is read or written at these addresses.
  alignas(kAlignment) static std::byte one[kAlignment];
  std::byte* const nowhere = one;
  const std::vector<float*> memory(body.places.size(), reinterpret_cast<float*>(nowhere));
  const std::vector<std::byte*> outputs(body.graph.outputs().size(), nowhere);
  const Bound measured = bind(body, {memory, outputs, nowhere, nowhere}, device_->piece_bytes(), pool_);
  run.workspace_bytes = measured.workspace_bytes;
  run.descriptor_bytes = measured.descriptors.size();
  return run;
}

// Tensors that nobody else holds will not be given again.
void DeviceEngine::let_go() {
  for (Prepared& run : prepared_) {
    for (Given& given : run.given) {
      if (!given.tensor.empty() && given.tensor.writable_as(given.tensor.type(), given.tensor.shape())) {
        given.tensor = Tensor();
        given.is_lasting = false;
      }
    }
  }
}

base::Status DeviceEngine::make_room(std::size_t bytes) {
  for (;;) {
    STARLING_ASSIGN(const std::size_t free, device_->free_bytes());
    if (bytes <= free) return {};
    if (prepared_.size() == 1) {
      return base::limit_error("The CUDA device (" + device_->name() + ") has " + std::to_string(free >> 20) +
                               " MiB free, and this call needs " + std::to_string((bytes >> 20) + 1) +
                               " MiB more; ask for a smaller size or a shorter video, or unset STARLING_BACKEND");
    }
    prepared_.pop_back();
  }
}

base::Result<std::shared_ptr<DeviceEngine::Memory>> DeviceEngine::allocate(std::size_t bytes) {
  STARLING_TRY(make_room(aligned(bytes)));
  auto memory = device_->allocate(bytes);
  if (!memory.ok() && memory.error().code == base::ErrorCode::kLimit) {
    return base::limit_error("The CUDA device (" + device_->name() + ") has no " + std::to_string((bytes >> 20) + 1) +
                             " MiB in one piece; ask for a smaller size or a shorter video, or unset STARLING_BACKEND");
  }
  STARLING_TRY(memory);
  return std::make_shared<Memory>(*device_, *memory, bytes);
}

// Where another plan has the tensor on the device, if it is one that stays.
const DeviceEngine::Given* DeviceEngine::holder(const Prepared& asking, const Tensor& tensor) const {
  for (const Prepared& run : prepared_) {
    if (&run == &asking) continue;
    for (const Given& given : run.given) {
      if (given.is_lasting && same_memory(given.tensor, tensor)) return &given;
    }
  }
  return nullptr;
}

// Has memory on the device for the run, and in it what is given.
base::Status DeviceEngine::place(Prepared& run, std::span<const Tensor> given) {
  const std::size_t arena_bytes = aligned(run.plan.body().arena_bytes) + run.workspace_bytes;
  run.given.resize(given.size());
  std::vector<bool> is_there(given.size(), false);
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    Given& mine = run.given[i];
    if (same_memory(mine.tensor, given[i])) {
      mine.is_lasting = is_there[i] = true;
      continue;
    }
    mine.tensor = Tensor();
    mine.is_lasting = false;
    if (const Given* const other = holder(run, given[i]); other != nullptr) {
      mine = *other;
      is_there[i] = true;
      continue;
    }
    if (mine.memory.use_count() > 1) mine.memory = nullptr;  // another plan reads it
    if (mine.memory == nullptr) wanted += aligned(given[i].byte_size());
  }
  if (run.outputs == nullptr) wanted += aligned(run.output_bytes) + aligned(run.descriptor_bytes);
  const bool grows = arena_ == nullptr || arena_->bytes() < arena_bytes;
  if (grows) {
    arena_ = nullptr;
    wanted += aligned(arena_bytes);
  }
  STARLING_TRY(make_room(wanted));
  if (grows) {
    STARLING_ASSIGN(arena_, allocate(arena_bytes));
  }
  if (run.outputs == nullptr) {
    STARLING_ASSIGN(auto outputs, allocate(run.output_bytes));
    STARLING_ASSIGN(run.descriptors, allocate(run.descriptor_bytes));
    run.outputs = std::move(outputs);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (is_there[i]) continue;
    Given& mine = run.given[i];
    if (mine.memory == nullptr) {
      STARLING_ASSIGN(mine.memory, allocate(given[i].byte_size()));
    }
    STARLING_TRY(device_->upload(mine.memory->data(), given[i].bytes()));
    mine.tensor = given[i];
  }
  return {};
}

// Makes the run's kernels ready, unless they are for the memory that it has.
base::Status DeviceEngine::record(Prepared& run) {
  std::vector<const std::byte*> addresses{arena_->data()};
  for (const Given& given : run.given) addresses.push_back(given.memory->data());
  if (run.recording != nullptr && run.recorded == addresses) return {};
  run.recording = nullptr;
  const Plan::Body& body = run.plan.body();
  std::vector<std::byte*> outputs;
  for (const std::size_t offset : run.output_offsets) outputs.push_back(run.outputs->data() + offset);
  std::vector<float*> memory(body.places.size(), nullptr);
  for (std::size_t value = 0; value < memory.size(); ++value) {
    const Place& place = body.places[value];
    std::byte* at = nullptr;
    switch (place.kind) {
      case Place::Kind::kNone:
        continue;
      case Place::Kind::kInput:
        at = run.given[place.index].memory->data();
        break;
      case Place::Kind::kConstant:
        at = run.given[body.graph.inputs().size() + place.index].memory->data();
        break;
      case Place::Kind::kArena:
        at = arena_->data() + place.index;
        break;
      case Place::Kind::kOutput:
        at = outputs[place.index];
        break;
      case Place::Kind::kScalar:
        at = run.descriptors->data() + place.index * sizeof(float);
        break;
    }
    memory[value] = reinterpret_cast<float*>(at);
  }
  std::byte* const workspace = arena_->data() + aligned(body.arena_bytes);
  Bound bound = bind(body, {memory, outputs, run.descriptors->data(), workspace}, device_->piece_bytes(), pool_);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(bound.descriptors.data());
  STARLING_TRY(device_->upload(run.descriptors->data(), {bytes, bound.descriptors.size()}));
  STARLING_ASSIGN(run.recording, device_->record(std::move(bound.works)));
  run.recorded = std::move(addresses);
  return {};
}

base::Status DeviceEngine::run(const Plan& plan, std::span<const Tensor> given, std::span<Tensor> outputs,
                               const std::function<base::Status()>& stop) {
  let_go();
  Prepared& run = prepared(plan);
  STARLING_TRY(place(run, given));
  STARLING_TRY(record(run));
  STARLING_TRY(device_->run(*run.recording, stop));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    STARLING_TRY(device_->download(outputs[i].mutable_bytes(), run.outputs->data() + run.output_offsets[i]));
  }
  return {};
}

}  // namespace starling::exact::cuda
