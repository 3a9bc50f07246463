#include <algorithm>
#include <array>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;
using Kind = Operand::Kind;

}  // namespace

// f32(sums) · scales, max, sub, exp, mul, to_u8, sum, to_f32: each reads what the one before it gives, and nothing else
// is in the pass.
void find_softmax(Group& group, ValueId made) {
  const std::vector<Instruction>& all = group.instructions;
  constexpr std::size_t kLogits = 2;
  constexpr std::array kRest{Operator::kMax,  Operator::kSub, Operator::kExp,  Operator::kMul,
                             Operator::kToU8, Operator::kSum, Operator::kToF32};
  if (group.dequantise.instructions != kLogits + 1 || all.size() != kLogits + 1 + kRest.size()) return;
  for (std::size_t i = 0; i < kRest.size(); ++i) {
    if (all[kLogits + 1 + i].op != kRest[i]) return;
  }
  const Instruction& logits = all[kLogits];
  const Instruction& greatest = all[kLogits + 1];
  const Instruction& difference = all[kLogits + 2];
  const Instruction& power = all[kLogits + 3];
  const Instruction& scaled = all[kLogits + 4];
  const Instruction& rounded = all[kLogits + 5];
  const Instruction& sum = all[kLogits + 6];
  const Instruction& total = all[kLogits + 7];
  const bool flows = greatest.operands[0] == logits.result && difference.operands[0] == logits.result &&
                     difference.operands[1] == greatest.result && power.operands[0] == difference.result &&
                     rounded.operands[0] == scaled.result && sum.operands[0] == rounded.result &&
                     total.operands[0] == sum.result;
  if (!flows || !greatest.is_column || !sum.is_column || !total.is_column) return;
  const std::size_t own = scaled.operands[0] == power.result ? 0 : 1;
  const Operand& factor = scaled.operands[1 - own];
  if (scaled.operands[own] != power.result || factor.kind != Kind::kExternal) return;
  const Group::External& number = group.externals[factor.index];
  if (number.step != 0 || std::ranges::any_of(number.rows, [](const Factor& f) { return f.stride != 0; })) return;
  const bool kept = rounded.narrowed >= 0 && group.stores[static_cast<std::size_t>(rounded.narrowed)] == made;
  if (!kept || sum.narrowed >= 0 || total.result.kind != Kind::kStore || group.stores.size() != 2) return;
  group.softmax = Group::Softmax{factor.index, static_cast<std::uint32_t>(rounded.narrowed), total.result.index};
}

}  // namespace starling::exact
