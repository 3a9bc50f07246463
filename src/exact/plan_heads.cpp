#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;
using Kind = Operand::Kind;

// What a pass that quantises rows, and does nothing else, reads and writes. Numbers are externals of the pass.
struct Quantising {
  std::uint32_t rows = 0;               // external
  std::optional<std::uint32_t> factor;  // by which rows are multiplied first
  std::uint32_t numerator = 0;
  std::uint32_t otherwise = 0;
  std::uint32_t divisor = 0;
  ValueId values = 0;
  ValueId scale = 0;
};

class QuantisingMatcher {
 public:
  explicit QuantisingMatcher(const Group& group) : group_(group), all_(group.instructions) {}

  // abs, max, div, select, mul, to_i8 and div, in any order, after a mul or not.
  std::optional<Quantising> match() const {
    if ((all_.size() != 7 && all_.size() != 8) || group_.stores.size() != 2) return {};
    Quantising found;
    const std::optional<std::size_t> rounded = only(Operator::kToI8);
    const std::optional<std::size_t> greatest = only(Operator::kMax);
    const std::optional<std::size_t> chosen = only(Operator::kSelect);
    if (!rounded || !greatest || !chosen || all_[*rounded].narrowed < 0 || all_[*greatest].narrowed >= 0) return {};
    const auto magnitude = maker(*greatest, 0);
    const auto product = maker(*rounded, 0);
    if (!magnitude || !product || all_[*magnitude].op != Operator::kAbs || all_[*product].op != Operator::kMul) {
      return {};
    }
    const std::size_t by = maker(*product, 1) == chosen ? 1 : 0;
    if (maker(*product, by) != chosen) return {};
    const Operand& rows = all_[*product].operands[1 - by];
    if (all_[*magnitude].operands[0] != rows) return {};
    const auto quotient = maker(*chosen, 1);
    if (!quotient || all_[*quotient].op != Operator::kDiv || maker(*chosen, 0) != greatest ||
        maker(*quotient, 1) != greatest) {
      return {};
    }
    const auto scale = std::ranges::find_if(all_, [&](const Instruction& instruction) {
      return instruction.op == Operator::kDiv && instruction.result.kind == Kind::kStore;
    });
    if (scale == all_.end() || maker(static_cast<std::size_t>(scale - all_.begin()), 0) != greatest) return {};
    const auto numerator = number(all_[*quotient].operands[0]);
    const auto otherwise = number(all_[*chosen].operands[2]);
    const auto divisor = number(scale->operands[1]);
    if (!numerator || !otherwise || !divisor) return {};
    found.numerator = *numerator;
    found.otherwise = *otherwise;
    found.divisor = *divisor;
    found.values = group_.stores[static_cast<std::size_t>(all_[*rounded].narrowed)];
    found.scale = group_.stores[scale->result.index];
    if (all_.size() == 7) {
      if (rows.kind != Kind::kExternal) return {};
      found.rows = rows.index;
      return found;
    }
    const auto scaled = maker(*product, 1 - by);
    if (!scaled || maker(*magnitude, 0) != scaled || all_[*scaled].op != Operator::kMul) return {};
    const auto& [a, b] = std::tie(all_[*scaled].operands[0], all_[*scaled].operands[1]);
    const bool second = number(b).has_value();
    found.factor = number(second ? b : a);
    const Operand& given = second ? a : b;
    if (!found.factor || given.kind != Kind::kExternal) return {};
    found.rows = given.index;
    return found;
  }

 private:
  std::optional<std::size_t> only(Operator op) const {
    const auto is_it = [&](const Instruction& instruction) { return instruction.op == op; };
    if (std::count_if(all_.begin(), all_.end(), is_it) != 1) return {};
    return static_cast<std::size_t>(std::ranges::find_if(all_, is_it) - all_.begin());
  }

  // Who made the operand of an instruction.
  std::optional<std::size_t> maker(std::size_t reader, std::size_t operand) const {
    for (std::size_t i = reader; i-- > 0;) {
      if (all_[i].result == all_[reader].operands[operand]) return i;
    }
    return {};
  }

  // The external, if it is one number.
  std::optional<std::uint32_t> number(const Operand& operand) const {
    if (operand.kind != Kind::kExternal) return {};
    const Group::External& external = group_.externals[operand.index];
    const bool one = external.type == Type::kF32 && external.step == 0 &&
                     std::ranges::all_of(external.rows, [](const Factor& factor) { return factor.stride == 0; });
    return one ? std::optional(operand.index) : std::nullopt;
  }

  const Group& group_;
  const std::vector<Instruction>& all_;
};

// Where the heads of a pass's rows are among those that are quantised: all of a row beside each other, or all of one
// place in a batch.
std::optional<Group::HeadIntegers> order_of(const Group& pass, const Group& heads, const Group::External& read) {
  const std::int64_t size = heads.columns;
  const std::int64_t count = pass.columns / size;
  if (pass.columns != count * size || heads.rows != pass.rows * count) return {};
  if (read.type != Type::kF32 || read.offset != 0 || read.step != 1) return {};
  const std::vector<Factor>& rows = read.rows;
  Group::HeadIntegers order{};
  if (rows == std::vector<Factor>{{heads.rows, static_cast<std::ptrdiff_t>(size)}}) {
    order.rows = pass.rows;
    order.row = count;
    order.head = 1;
    return order;
  }
  if (rows.size() != 2 && rows.size() != 3) return {};
  order.rows = rows.back().size;
  order.batch = count * order.rows;
  order.row = 1;
  order.head = order.rows;
  const Factor batch{pass.rows / order.rows, static_cast<std::ptrdiff_t>(pass.columns * order.rows)};
  const Factor head{count, static_cast<std::ptrdiff_t>(size)};
  const Factor row{order.rows, static_cast<std::ptrdiff_t>(pass.columns)};
  if (rows != (batch.size == 1 ? std::vector<Factor>{head, row} : std::vector<Factor>{batch, head, row})) return {};
  return order;
}

// Lets the pass turn its heads into integers, if it is one that turns them and `quantising` reads them all.
bool take_over(const Graph& graph, Step& pass, const Step& quantising) {
  const std::optional<Quantising> found = QuantisingMatcher(quantising.group).match();
  if (!found.has_value()) return false;
  Group& group = pass.group;
  const Group& from = quantising.group;
  const Group::External& read = from.externals[found->rows];
  Instruction& turning = group.instructions.back();
  if (turning.op != Operator::kConcat || turning.result.kind != Kind::kStore) return false;
  const std::uint32_t store = turning.result.index;
  if (group.stores[store] != read.base || from.columns != 2 * group.half) return false;
  std::optional<Group::HeadIntegers> made = order_of(group, from, read);
  if (!made.has_value()) return false;
  for (const std::uint32_t index :
       {found->numerator, found->otherwise, found->divisor, found->factor.value_or(found->divisor)}) {
    const ValueId base = from.externals[index].base;
    if (base >= graph.values() || graph.is_input(base) || graph.node(base).op != Operator::kFill) return false;
  }
  const auto take = [&](std::uint32_t index) {
    Group::External number = from.externals[index];
    number.rows.clear();
    const auto at = std::ranges::find(group.externals, number);
    const auto taken = static_cast<std::uint32_t>(at - group.externals.begin());
    if (at == group.externals.end()) {
      group.externals.push_back(number);
      pass.reads.push_back(number.base);
    }
    return taken;
  };
  made->numbers = {take(found->numerator), take(found->otherwise)};
  made->divisor = take(found->divisor);
  if (found->factor.has_value()) made->factor = take(*found->factor);
  made->values = store;
  made->scale = static_cast<std::uint32_t>(group.stores.size());
  turning.result = {Kind::kSlot, group.slots++};
  group.stores[store] = found->values;
  group.store_type[store] = Type::kI8;
  group.stores.push_back(found->scale);
  group.store_type.push_back(Type::kF32);
  group.store_column.push_back(true);
  std::ranges::replace(pass.writes, read.base, found->values);
  pass.writes.push_back(found->scale);
  group.head_integers = made;
  return true;
}

}  // namespace

void quantise_heads(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs) {
  std::map<ValueId, std::set<std::size_t>> readers;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const ValueId value : steps[i].reads) readers[value].insert(i);
  }
  for (const ValueId value : outputs) readers[value].insert(steps.size());
  std::vector<bool> gone(steps.size(), false);
  for (Step& step : steps) {
    if (step.kind != Step::Kind::kGroup || step.group.half == 0) continue;
    const Operand& result = step.group.instructions.back().result;
    if (result.kind != Kind::kStore) continue;
    const std::set<std::size_t>& who = readers[step.group.stores[result.index]];
    if (who.size() != 1 || *who.begin() == steps.size() || steps[*who.begin()].kind != Step::Kind::kGroup) continue;
    if (take_over(graph, step, steps[*who.begin()])) gone[*who.begin()] = true;
  }
  std::vector<Step> left;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!gone[i]) left.push_back(std::move(steps[i]));
  }
  steps = std::move(left);
}

}  // namespace starling::exact
