#include <algorithm>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;

// The two operands in either order.
bool takes(const Instruction& instruction, const Operand& a, const Operand& b) {
  return (instruction.operands[0] == a && instruction.operands[1] == b) ||
         (instruction.operands[0] == b && instruction.operands[1] == a);
}

class Finder {
 public:
  explicit Finder(const Group& group) : group_(group), all_(group.instructions) {}

  Group::Dequantise find(ValueId product) const {
    Group::Dequantise found;
    if (all_.size() < 3 || !is_block(all_[0]) || !is_block(all_[1]) || !is_block(all_[2])) return {};
    const std::size_t conversion = all_[0].op == Operator::kToF32 ? 0 : 1;
    const Instruction& real = all_[conversion];
    const Instruction& scale = all_[1 - conversion];
    const Instruction& scaled = all_[2];
    if (real.op != Operator::kToF32 || scale.op != Operator::kMul || scaled.op != Operator::kMul) return {};
    const Group::External* sums = external(real.operands[0]);
    if (sums == nullptr || sums->base != product) return {};
    const bool row_first = is_per_row(scale.operands[0]) && is_per_column(scale.operands[1]);
    if (!row_first && !(is_per_column(scale.operands[0]) && is_per_row(scale.operands[1]))) return {};
    found.sums = real.operands[0].index;
    found.row_scale = scale.operands[row_first ? 0 : 1].index;
    found.column_scale = scale.operands[row_first ? 1 : 0].index;
    if (!takes(scaled, real.result, scale.result)) return {};
    if (!is_spent(2, real.result) || !is_spent(2, scale.result)) return {};
    found.instructions = 3;
    if (all_.size() == 3) return found;
    const Instruction& last = all_[3];
    if (last.op != Operator::kAdd || !is_block(last) || !is_spent(3, scaled.result)) return found;
    const Operand& added = last.operands[last.operands[0] == scaled.result ? 1 : 0];
    if (!is_per_column(added) || !takes(last, scaled.result, added)) return found;
    found.bias = added.index;
    found.instructions = 4;
    return found;
  }

 private:
  static bool is_block(const Instruction& instruction) { return !instruction.is_column && instruction.narrowed < 0; }

  const Group::External* external(const Operand& operand) const {
    return operand.kind == Operand::Kind::kExternal ? &group_.externals[operand.index] : nullptr;
  }
  bool is_per_row(const Operand& operand) const {
    const Group::External* found = external(operand);
    return found != nullptr && found->step == 0;
  }
  bool is_per_column(const Operand& operand) const {
    const Group::External* found = external(operand);
    // A block lies within the last factor of its rows.
    return found != nullptr && found->step == 1 && (found->rows.empty() || found->rows.back().stride == 0);
  }

  // Whether nothing after instruction `at` reads what is in the slot: it writes the slot anew, or a later one does
  // first.
  bool is_spent(std::size_t at, const Operand& slot) const {
    if (slot.kind != Operand::Kind::kSlot) return false;
    for (std::size_t i = at; i < all_.size(); ++i) {
      const auto& operands = all_[i].operands;
      if (i > at && std::ranges::any_of(operands, [&](const Operand& o) { return o == slot; })) return false;
      if (all_[i].result == slot) return true;
    }
    return true;
  }

  const Group& group_;
  const std::vector<Instruction>& all_;
};

}  // namespace

void find_dequantising(Group& group, ValueId product) { group.dequantise = Finder(group).find(product); }

}  // namespace starling::exact
