// Hostile graphs: what is accepted has one encoding, and if it is small the engine runs it as the definitions do and it
// can be differentiated.
#include "exact/graph.h"

#include <cstdlib>
#include <cstring>

#include "exact/autodiff.h"
#include "exact/engine.h"

namespace {

using namespace starling;

constexpr std::uint64_t kMaxWork = 1 << 14;

bool is_small(const exact::Graph& graph) {
  const exact::Work work = graph.work();
  const std::uint64_t products[] = {work.f32_multiply_adds, work.i8_multiply_adds};
  if (work.elements > kMaxWork || products[0] > kMaxWork || products[1] > kMaxWork) return false;
  std::uint64_t elements = work.elements + products[0] + products[1];
  for (exact::ValueId value = 0; value < graph.values(); ++value) {
    const auto size = static_cast<std::uint64_t>(graph.shape(value).elements());
    if (size > kMaxWork || (elements += size) > kMaxWork) return false;
    if (graph.is_input(value)) continue;
    // The definitions look at every index for every element of a table.
    const exact::Node& node = graph.node(value);
    if (node.op == exact::Operator::kScatterAdd) {
      elements += size * static_cast<std::uint64_t>(graph.shape(node.inputs[0])[0]);
    } else if (node.op == exact::Operator::kSum || node.op == exact::Operator::kMax) {
      elements += static_cast<std::uint64_t>(graph.shape(node.inputs[0]).elements());
    }
  }
  return elements <= kMaxWork;
}

std::vector<exact::Tensor> some_inputs(const exact::Graph& graph) {
  std::vector<exact::Tensor> inputs;
  for (const exact::GraphInput& input : graph.inputs()) {
    exact::Tensor tensor(input.type, input.shape);
    std::uint32_t state = 1;
    if (input.type == exact::Type::kF32) {
      for (float& x : tensor.f32()) {
        state = state * 1664525 + 1013904223;
        x = static_cast<float>(static_cast<int>(state >> 24) - 100) / 16.0F;
      }
    } else if (input.type == exact::Type::kI32) {
      for (std::int32_t& x : tensor.i32()) {
        state = state * 1664525 + 1013904223;
        x = static_cast<std::int32_t>(state >> 28) - 3;
      }
    } else {
      for (std::uint8_t& x : tensor.u8()) {
        state = state * 1664525 + 1013904223;
        x = static_cast<std::uint8_t>(state >> 24);
      }
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

void check_run(const exact::Graph& graph) {
  static exact::Engine engine = *exact::Engine::create({"generic", 1});
  const auto plan = exact::Plan::make(graph);
  if (!plan.ok()) std::abort();
  const std::vector<exact::Tensor> inputs = some_inputs(graph);
  const auto expected = exact::run_reference(graph, inputs);
  const auto found = engine.run(*plan, inputs);
  if (expected.ok() != found.ok()) std::abort();
  if (!expected.ok()) {
    if (expected.error().code != found.error().code) std::abort();
    return;
  }
  for (std::size_t i = 0; i < expected->size(); ++i) {
    const base::ByteView want = (*expected)[i].bytes();
    const base::ByteView got = (*found)[i].bytes();
    if (want.size() != got.size() || std::memcmp(want.data(), got.data(), want.size()) != 0) std::abort();
  }
}

void check_gradient(const exact::Graph& graph) {
  std::vector<std::string> names;
  for (const exact::GraphInput& input : graph.inputs()) {
    if (input.type == exact::Type::kF32) names.push_back(input.name);
  }
  for (const exact::GraphOutput& output : graph.outputs()) {
    if (graph.type(output.value) != exact::Type::kF32 || graph.shape(output.value).elements() != 1) continue;
    const auto gradient = exact::differentiate(graph, output.name, names);
    if (!gradient.ok()) continue;
    const auto again = exact::Graph::decode(gradient->encode());
    if (!again.ok() || again->root() != gradient->root()) std::abort();
    if (is_small(*gradient)) check_run(*gradient);
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto graph = exact::Graph::decode({data, size});
  if (!graph.ok()) return 0;
  const base::Bytes again = graph->encode();
  if (again.size() != size || std::memcmp(again.data(), data, size) != 0) std::abort();
  if (!is_small(*graph)) return 0;
  check_run(*graph);
  check_gradient(*graph);
  return 0;
}
