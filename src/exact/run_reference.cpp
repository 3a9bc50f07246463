#include <cmath>

#include "exact/engine.h"
#include "exact/input_check.h"

namespace starling::exact {
namespace {

class TensorReader final : public Reader {
 public:
  explicit TensorReader(std::vector<const Tensor*> operands) : operands_(std::move(operands)) {}
  float f32(int input, std::int64_t index) const override {
    return operands_[static_cast<std::size_t>(input)]->f32()[static_cast<std::size_t>(index)];
  }
  std::int32_t i32(int input, std::int64_t index) const override {
    const Tensor& operand = *operands_[static_cast<std::size_t>(input)];
    const auto at = static_cast<std::size_t>(index);
    if (operand.type() == Type::kI8) return operand.i8()[at];
    return operand.type() == Type::kU8 ? operand.u8()[at] : operand.i32()[at];
  }

 private:
  std::vector<const Tensor*> operands_;
};

}  // namespace

base::Result<std::vector<Tensor>> run_reference(const Graph& graph, std::span<const Tensor> inputs,
                                                std::vector<Tensor>* all) {
  STARLING_ASSIGN(std::vector<Tensor> values, checked_inputs(graph, inputs));
  const std::size_t first = values.size();
  for (const Node& node : graph.nodes()) {
    STARLING_ASSIGN(Tensor out, Tensor::allocate(node.type, node.shape));
    std::vector<const Tensor*> operands;
    std::vector<Shape> shapes;
    for (const ValueId input : node.inputs) {
      operands.push_back(&values[input]);
      shapes.push_back(values[input].shape());
    }
    const TensorReader reader(std::move(operands));
    const auto element = find_operator(node.op)->element;
    for (std::int64_t index = 0; index < node.shape.elements(); ++index) {
      const Number number = element(node, shapes, reader, index);
      const auto at = static_cast<std::size_t>(index);
      if (node.type == Type::kI32) {
        out.i32()[at] = number.i32;
      } else if (node.type == Type::kF32) {
        out.f32()[at] = number.f32;
      } else {
        out.u8()[at] = static_cast<std::uint8_t>(number.i32);
      }
    }
    values.push_back(std::move(out));
  }
  std::vector<Tensor> outputs;
  for (const GraphOutput& output : graph.outputs()) outputs.push_back(values[output.value]);
  STARLING_TRY(checked_outputs(graph, outputs));
  if (all != nullptr) all->assign(values.begin() + static_cast<std::ptrdiff_t>(first), values.end());
  return outputs;
}

}  // namespace starling::exact
