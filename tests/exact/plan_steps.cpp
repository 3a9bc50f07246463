#include "plan_steps.h"

#include <array>

#include "exact/plan_body.h"

namespace starling::exact {

std::string steps_of(const Plan& plan) {
  const Plan::Body& body = plan.body();
  constexpr std::array kNames = {"pass",   "dot",    "integer dot", "reduce",  "copy",   "pad",
                                 "concat", "gather", "scatter",     "convert", "random", "iota"};
  std::string out;
  for (const Step& step : body.steps) {
    out += kNames[static_cast<std::size_t>(step.kind)];
    if (step.kind == Step::Kind::kGroup) {
      out += " " + std::to_string(step.group.rows) + "x" + std::to_string(step.group.columns) +
             (step.group.flat ? " flat" : "") + ":";
      for (const Instruction& instruction : step.group.instructions) {
        out += std::string(" ") + find_operator(instruction.op)->name;
      }
      out += "; reads " + std::to_string(step.group.externals.size());
      for (const auto& e : step.group.externals) out += " " + std::to_string(e.base);
    } else if (step.kind == Step::Kind::kDot || step.kind == Step::Kind::kIntegerDot) {
      const int rank = step.operands[0].view.rank();
      out += " to " + body.graph.shape(step.out).text() + " depth " +
             std::to_string(to_axis(step.operands[0].view.factors(rank - 1, rank)).total());
      if (step.rows != nullptr) {
        out += step.rows->pass.group.softmax.has_value() ? " of softmax" : " of";
        for (const Instruction& instruction : step.rows->pass.group.instructions) {
          out += std::string(" ") + find_operator(instruction.op)->name;
        }
        out += " then";
      }
      for (const Instruction& instruction : step.group.instructions) {
        out += std::string(" ") + find_operator(instruction.op)->name;
      }
    } else if (step.out < body.graph.values()) {
      out += " to " + body.graph.shape(step.out).text();
    }
    out += "; writes";
    for (const ValueId value : step.writes) out += " " + std::to_string(value);
    out += "\n";
  }
  return out;
}

}  // namespace starling::exact
