#include "browser/call_check.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/encoding.h"
#include "exact/engine.h"
#include "exact/plan_body.h"
#include "models/model_layout.h"
#include "proof/commitment.h"
#include "proof/model_root.h"
#include "proof/program_file.h"
#include "video/frames.h"

namespace starling::browser {

using exact::Binding;
using exact::Tensor;
using exact::Type;
using Part = Mismatch::Part;

namespace {

constexpr std::size_t kMostName = 1024;
// Of a value that a call makes on the way: with some of them, a browser's memory is full.
constexpr std::int64_t kMostElements = std::int64_t{1} << 28;

Verdict differs(Part part, std::string name = {}) { return std::optional(Mismatch{part, std::move(name)}); }
Verdict holds() { return std::optional<Mismatch>(); }

// A count whose items take so many bytes at least: of a lie, one item more than there can be, whose reading fails.
std::size_t read_count(base::Decoder& in, std::size_t least) {
  return std::min<std::size_t>(in.u32(), in.remaining() / least + 1);
}

std::map<std::string, base::Hash> read_hashes(base::Decoder& in) {
  constexpr std::size_t kLeast = 36;
  std::map<std::string, base::Hash> hashes;
  for (std::size_t left = read_count(in, kLeast); left > 0; --left) {
    std::string name = in.text(kMostName);
    hashes[std::move(name)] = in.hash();
  }
  return hashes;
}

std::vector<base::Hash> read_list(base::Decoder& in) {
  std::vector<base::Hash> hashes(read_count(in, 32));
  for (base::Hash& hash : hashes) hash = in.hash();
  return hashes;
}

base::Result<Tensor> tensor_of(Type type, const exact::Shape& shape, base::ByteView bytes) {
  STARLING_ASSIGN(Tensor tensor, Tensor::uninitialized(type, shape));
  std::memcpy(tensor.mutable_bytes().data(), bytes.data(), bytes.size());
  return tensor;
}

std::uint64_t size_of(Type type, const exact::Shape& shape) {
  return static_cast<std::uint64_t>(shape.elements()) * exact::type_size(type);
}

base::Status check_size(const exact::Graph& graph, std::uint32_t call) {
  for (std::uint32_t value = 0; value < graph.values(); ++value) {
    if (graph.shape(value).elements() <= kMostElements) continue;
    return base::limit_error("call " + std::to_string(call) +
                             " has values too large for a browser: " + graph.shape(value).text());
  }
  return {};
}

}  // namespace

base::Result<Claim> Claim::decode(base::ByteView bytes) {
  base::Decoder in(bytes);
  Claim claim;
  claim.model_root = in.hash();
  claim.program_root = in.hash();
  claim.inputs = read_hashes(in);
  claim.work.elements = in.u64();
  claim.work.f32_multiply_adds = in.u64();
  claim.work.i8_multiply_adds = in.u64();
  claim.calls = read_list(in);
  claim.frames = read_list(in);
  STARLING_TRY(in.finish());
  return claim;
}

Verdict CallCheck::take_model(base::ByteView leaves) {
  base::Decoder in(leaves);
  const std::map<std::string, base::Hash> files = read_hashes(in);
  weight_roots_ = read_hashes(in);
  if (!in.finish().ok() || proof::model_root(files, weight_roots_) != claim_.model_root) return differs(Part::kModel);
  return holds();
}

Verdict CallCheck::take_program(base::ByteView file) {
  base::Result<proof::ProgramFile> read = proof::read_program_file(file);
  if (!read.ok() && read.error().code == base::ErrorCode::kLimit) return read.error();
  if (!read.ok() || read->program.root() != claim_.program_root) return differs(Part::kProgram);
  program_ = std::move(read->program);
  const exact::Work work = program_.work();
  std::size_t frames = 0;
  for (const exact::ProgramOutput& output : program_.outputs()) frames += frames_of(output);
  if (program_.calls().size() != claim_.calls.size() || frames != claim_.frames.size() ||
      work.elements != claim_.work.elements || work.f32_multiply_adds != claim_.work.f32_multiply_adds ||
      work.i8_multiply_adds != claim_.work.i8_multiply_adds || program_.inputs().size() != claim_.inputs.size()) {
    return differs(Part::kProgram);
  }
  inputs_.clear();
  for (std::size_t i = 0; i < program_.inputs().size(); ++i) {
    const exact::GraphInput& input = program_.inputs()[i];
    const auto claimed = claim_.inputs.find(input.name);
    if (claimed == claim_.inputs.end()) return differs(Part::kInput, input.name);
    Input& taken = inputs_.emplace_back();
    if (read->inputs[i].at) {
      taken.at = read->inputs[i].at;
      continue;
    }
    STARLING_ASSIGN(taken.tensor, tensor_of(input.type, input.shape, read->inputs[i].bytes));
    if (proof::tensor_root(taken.tensor) != claimed->second) return differs(Part::kInput, input.name);
  }
  return holds();
}

bool CallCheck::wants_given() const {
  return std::ranges::any_of(inputs_, [](const Input& input) { return input.at.has_value(); });
}

Verdict CallCheck::take_given(base::ByteView pixels) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const exact::GraphInput& input = program_.inputs()[i];
    if (!inputs_[i].at) continue;
    const std::uint64_t size = size_of(input.type, input.shape);
    const std::uint64_t at = *inputs_[i].at;
    if (at > pixels.size() || pixels.size() - at < size) return differs(Part::kInput, input.name);
    STARLING_ASSIGN(inputs_[i].tensor,
                    tensor_of(input.type, input.shape,
                              pixels.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size))));
    if (proof::tensor_root(inputs_[i].tensor) != claim_.inputs[input.name]) return differs(Part::kInput, input.name);
  }
  return holds();
}

Verdict CallCheck::take_trace(base::Bytes file) {
  trace_ = std::move(file);
  auto layout = proof::read_trace_layout(trace_, "the file of outputs", program_, claim_.calls);
  if (!layout.ok()) return differs(Part::kTrace);
  layout_ = *std::move(layout);
  return holds();
}

Verdict CallCheck::choose(std::uint32_t call) {
  if (call >= layout_.size()) return base::invalid("there is no call " + std::to_string(call));
  std::vector<bool> marked(layout_.size(), false);
  marked[call] = true;
  std::vector<bool> read(program_.weights().size(), false);
  chosen_.clear();
  for (std::uint32_t at = call + 1; at-- > 0;) {
    if (!marked[at]) continue;
    chosen_.push_back(at);
    STARLING_TRY(check_size(program_.graphs()[program_.calls()[at].graph], at));
    for (const Binding& binding : program_.calls()[at].bindings) {
      if (binding.kind == Binding::Kind::kWeight) read[binding.index] = true;
      if (binding.kind != Binding::Kind::kOutput || layout_[binding.index][binding.output].kept) continue;
      marked[binding.index] = true;
    }
  }
  std::ranges::reverse(chosen_);
  wanted_.clear();
  wanted_index_.clear();
  for (std::uint32_t weight = 0; weight < read.size(); ++weight) {
    if (!read[weight]) continue;
    std::string name = program_.weights()[weight].name;
    // As models::Checkpoint finds it.
    const std::size_t slash = name.find('/');
    if (!weight_roots_.contains(name) && name.substr(slash + 1) == models::kEmbedding) {
      name = name.substr(0, slash + 1) + std::string(models::kTiedEmbedding);
    }
    if (!weight_roots_.contains(name)) return differs(Part::kWeight, name);
    wanted_.push_back(std::move(name));
    wanted_index_.push_back(weight);
  }
  weights_.clear();
  made_.clear();
  numbers_ = 0;
  return holds();
}

exact::Work CallCheck::work() const {
  exact::Work sum;
  for (const std::uint32_t call : chosen_) {
    const exact::Work work = program_.graphs()[program_.calls()[call].graph].work();
    sum.elements += work.elements;
    sum.f32_multiply_adds += work.f32_multiply_adds;
    sum.i8_multiply_adds += work.i8_multiply_adds;
  }
  return sum;
}

Verdict CallCheck::take_weight(Type type, base::ByteView bytes) {
  const std::size_t next = weights_.size();
  if (next >= wanted_.size()) return base::invalid("no more weights are wanted");
  const std::string& name = wanted_[next];
  const exact::GraphInput& weight = program_.weights()[wanted_index_[next]];
  const bool narrow = weight.type == Type::kF32 && (type == Type::kBf16 || type == Type::kF16);
  if ((type != weight.type && !narrow) || bytes.size() != size_of(type, weight.shape)) {
    return differs(Part::kWeight, name);
  }
  STARLING_ASSIGN(Tensor tensor, tensor_of(type, weight.shape, bytes));
  if (proof::tensor_root(tensor) != weight_roots_[name]) return differs(Part::kWeight, name);
  weights_.emplace(wanted_index_[next], std::move(tensor));
  return holds();
}

base::Result<Tensor> CallCheck::operand(const Binding& binding) const {
  switch (binding.kind) {
    case Binding::Kind::kInput:
      if (inputs_[binding.index].tensor.empty()) return base::invalid("the given frames are not there yet");
      return inputs_[binding.index].tensor;
    case Binding::Kind::kWeight:
      return weights_.at(binding.index);
    case Binding::Kind::kLiteral:
      return program_.literals()[binding.index];
    case Binding::Kind::kOutput:
      break;
  }
  if (const auto made = made_.find(binding.index); made != made_.end()) return made->second[binding.output];
  return proof::read_trace_entry(trace_, layout_[binding.index][binding.output], binding.index);
}

Verdict CallCheck::run(const std::string& backend, const Progress& progress) {
  if (weights_.size() != wanted_.size()) return base::invalid("weights are missing");
  std::map<std::uint32_t, exact::Plan> plans;
  std::uint32_t total = 0;
  for (const std::uint32_t call : chosen_) {
    const std::uint32_t graph = program_.calls()[call].graph;
    if (!plans.contains(graph)) {
      STARLING_ASSIGN(exact::Plan plan, exact::Plan::make(program_.graphs()[graph]));
      plans.emplace(graph, std::move(plan));
    }
    total += static_cast<std::uint32_t>(plans.at(graph).body().steps.size());
  }
  std::uint32_t done = 0;
  exact::EngineOptions options;
  options.backend = backend;
  options.threads = 1;
  options.stop = [&]() -> base::Status {
    progress(std::min(done++, total), total);
    return {};
  };
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(options));
  for (const std::uint32_t call : chosen_) {
    std::vector<Tensor> operands;
    for (const Binding& binding : program_.calls()[call].bindings) {
      base::Result<Tensor> given = operand(binding);
      if (!given.ok() && given.error().code == base::ErrorCode::kCorrupt) return differs(Part::kTrace);
      if (!given.ok()) return given.error();
      operands.push_back(*std::move(given));
    }
    base::Result<std::vector<Tensor>> outputs = engine.run(plans.at(program_.calls()[call].graph), operands);
    if (!outputs.ok() && outputs.error().code == base::ErrorCode::kNonFinite) {
      return differs(Part::kOutput, std::to_string(call));
    }
    if (!outputs.ok()) return outputs.error();
    Verdict found = compare(call, *outputs);
    if (!found.ok() || *found) return found;
    made_[call] = *std::move(outputs);
  }
  progress(total, total);
  return holds();
}

Verdict CallCheck::compare(std::uint32_t call, const std::vector<Tensor>& outputs) {
  std::vector<base::Hash> roots;
  for (const Tensor& output : outputs) {
    roots.push_back(proof::tensor_root(output));
    numbers_ += static_cast<std::uint64_t>(output.elements());
  }
  if (proof::list_root(roots) != claim_.calls[call]) return differs(Part::kOutput, std::to_string(call));
  return compare_frames(call, outputs);
}

// The frames of an output of the program: "frames.0", "frames.1", ... hold them in order.
std::size_t CallCheck::frames_of(const exact::ProgramOutput& output) const {
  const exact::Graph& graph = program_.graphs()[program_.calls()[output.call].graph];
  const exact::Shape& shape = graph.shape(graph.outputs()[output.output].value);
  return shape.rank() == 5 ? static_cast<std::size_t>(shape[1]) : 0;
}

Verdict CallCheck::compare_frames(std::uint32_t call, const std::vector<Tensor>& outputs) const {
  std::size_t first = 0;
  for (const exact::ProgramOutput& output : program_.outputs()) {
    const std::size_t count = frames_of(output);
    if (output.call != call || count == 0) {
      first += count;
      continue;
    }
    const Tensor& values = outputs[output.output];
    const std::size_t size = static_cast<std::size_t>(values.elements()) / count;
    base::Bytes pixels(size);
    for (std::size_t i = 0; i < count; ++i) {
      const bool pictures = values.type() == Type::kF32 && values.shape()[4] == 3 &&
                            video::pixels_from_values(values.f32().subspan(i * size, size), pixels).ok();
      const video::FrameView frame{static_cast<int>(values.shape()[3]), static_cast<int>(values.shape()[2]), pixels};
      if (!pictures || video::frame_hash(frame) != claim_.frames[first + i]) {
        return differs(Part::kFrame, std::to_string(first + i));
      }
    }
    first += count;
  }
  return holds();
}

}  // namespace starling::browser
