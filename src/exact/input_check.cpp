#include "exact/input_check.h"

#include <atomic>
#include <bit>

namespace starling::exact {

base::Result<std::vector<Tensor>> checked_inputs(const Graph& graph, std::span<const Tensor> inputs,
                                                 const std::function<bool(std::size_t input)>& is_packed) {
  if (inputs.size() != graph.inputs().size()) {
    return base::invalid("the graph takes " + std::to_string(graph.inputs().size()) + " inputs, not " +
                         std::to_string(inputs.size()));
  }
  std::vector<Tensor> out;
  out.reserve(graph.values());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const GraphInput& wanted = graph.inputs()[i];
    Tensor tensor = inputs[i];
    if (is_packed && is_packed(i)) {
      out.push_back(std::move(tensor));
      continue;
    }
    if (tensor.type() != wanted.type && wanted.type == Type::kF32) {
      STARLING_ASSIGN(tensor, inputs[i].widened());
    }
    if (tensor.empty() || tensor.type() != wanted.type || tensor.shape() != wanted.shape) {
      return base::invalid("input '" + wanted.name + "' takes " + type_name(wanted.type) + " " + wanted.shape.text() +
                           ", not " + type_name(tensor.type()) + " " + tensor.shape().text());
    }
    out.push_back(std::move(tensor));
  }
  return out;
}

base::Status checked_outputs(const Graph& graph, std::span<const Tensor> outputs, base::ThreadPool* pool) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].type() != Type::kF32) continue;
    const std::span<const float> values = outputs[i].f32();
    std::atomic<std::size_t> bad = 0;
    const auto check = [&](std::size_t begin, std::size_t end, int) {
      // Counting, rather than leaving early, lets the loop run as vectors do.
      std::size_t count = 0;
      for (const float value : values.subspan(begin, end - begin)) {
        count += (std::bit_cast<std::uint32_t>(value) & 0x7F800000U) == 0x7F800000U;
      }
      bad += count;
    };
    constexpr std::size_t kGrain = 1 << 16;
    if (pool == nullptr) {
      check(0, values.size(), 0);
    } else {
      pool->run(values.size(), kGrain, check);
    }
    if (bad == 0) continue;
    return base::Error{base::ErrorCode::kNonFinite, "output '" + graph.outputs()[i].name + "' holds " +
                                                        std::to_string(bad) + " values that are NaN or infinite"};
  }
  return {};
}

}  // namespace starling::exact
