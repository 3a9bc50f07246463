#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;
using Kind = Operand::Kind;

// An operand of a step of a pattern: the result of an earlier step (≥ 0), the rows that the pattern is about, or one of
// its numbers.
constexpr int kRows = -1;
constexpr int kFirst = -2;
constexpr int kSecond = -3;
constexpr int kThird = -4;
constexpr int kNothing = -9;

struct PatternStep {
  Operator op;
  std::array<int, 3> operands{kNothing, kNothing, kNothing};
};

using Pattern = std::span<const PatternStep>;

// As exact/kernels.h and Builder's compositions have them. Operators whose order is free come in the orders in which
// Builder and canonical graphs have them.
constexpr std::array kQuantise{
    PatternStep{Operator::kAbs, {kRows}},     PatternStep{Operator::kMax, {0}},
    PatternStep{Operator::kDiv, {kFirst, 1}}, PatternStep{Operator::kSelect, {1, 2, kSecond}},
    PatternStep{Operator::kMul, {kRows, 3}},  PatternStep{Operator::kToI8, {4}}};
constexpr std::array kLayerNorm{PatternStep{Operator::kSum, {kRows}},      PatternStep{Operator::kMul, {0, kFirst}},
                                PatternStep{Operator::kSub, {kRows, 1}},   PatternStep{Operator::kMul, {2, 2}},
                                PatternStep{Operator::kSum, {3}},          PatternStep{Operator::kMul, {4, kFirst}},
                                PatternStep{Operator::kAdd, {5, kSecond}}, PatternStep{Operator::kSqrt, {6}},
                                PatternStep{Operator::kDiv, {kThird, 7}},  PatternStep{Operator::kMul, {2, 8}}};
constexpr std::array kRmsNorm{PatternStep{Operator::kMul, {kRows, kRows}}, PatternStep{Operator::kSum, {0}},
                              PatternStep{Operator::kMul, {1, kFirst}},    PatternStep{Operator::kAdd, {2, kSecond}},
                              PatternStep{Operator::kSqrt, {3}},           PatternStep{Operator::kDiv, {kThird, 4}},
                              PatternStep{Operator::kMul, {kRows, 5}}};
constexpr std::array kGelu{
    PatternStep{Operator::kMul, {kRows, kRows}},    PatternStep{Operator::kMul, {0, kFirst}},
    PatternStep{Operator::kFma, {1, kRows, kRows}}, PatternStep{Operator::kMul, {kRows, kSecond}},
    PatternStep{Operator::kMul, {2, kThird}},       PatternStep{Operator::kTanh, {4}},
    PatternStep{Operator::kFma, {3, 5, 3}}};
constexpr std::array kGeluInOrder{
    PatternStep{Operator::kMul, {kRows, kSecond}}, PatternStep{Operator::kMul, {kRows, kRows}},
    PatternStep{Operator::kMul, {1, kFirst}},      PatternStep{Operator::kFma, {2, kRows, kRows}},
    PatternStep{Operator::kMul, {3, kThird}},      PatternStep{Operator::kTanh, {4}},
    PatternStep{Operator::kFma, {0, 5, 0}}};
// Has no numbers.
constexpr std::array kShares{PatternStep{Operator::kMax, {kRows}}, PatternStep{Operator::kSub, {kRows, 0}},
                             PatternStep{Operator::kExp, {1}}, PatternStep{Operator::kSum, {2}},
                             PatternStep{Operator::kDiv, {2, 3}}};

// Whether no instruction from `begin` on reads the slot before it is written anew.
bool is_spent(const Group& group, const Operand& slot, std::size_t begin) {
  for (std::size_t i = begin; i < group.instructions.size(); ++i) {
    const Instruction& instruction = group.instructions[i];
    if (std::ranges::any_of(instruction.operands, [&](const Operand& o) { return o == slot; })) return false;
    if (instruction.result == slot) return true;
  }
  return true;
}

class Matcher {
 public:
  Matcher(const Group& group, std::size_t first, Pattern pattern) : group_(group), first_(first), pattern_(pattern) {}

  // Whether the instructions are the pattern, and nobody looks at what is between: results but those of `visible`.
  bool matches(std::span<const std::size_t> visible) {
    if (first_ + pattern_.size() > group_.instructions.size()) return false;
    for (std::size_t i = 0; i < pattern_.size(); ++i) {
      const Instruction& instruction = at(i);
      if (instruction.op != pattern_[i].op) return false;
      for (std::size_t j = 0; j < instruction.operands.size(); ++j) {
        if (!bind(i, pattern_[i].operands[j], instruction.operands[j])) return false;
      }
      const bool shown = std::ranges::find(visible, i) != visible.end();
      if (!shown && !is_hidden(i)) return false;
    }
    return rows_.has_value();
  }

  const Operand& rows() const { return *rows_; }
  // 0 if the pattern has none of that name.
  std::uint32_t number(int name) const {
    const std::optional<Operand>& bound = numbers_[static_cast<std::size_t>(kFirst - name)];
    return bound.has_value() ? bound->index : 0;
  }
  const Instruction& at(std::size_t step) const { return group_.instructions[first_ + step]; }

  // Whether nothing after the pattern reads the slot before it is written anew.
  bool is_spent(const Operand& slot) const { return exact::is_spent(group_, slot, first_ + pattern_.size()); }

 private:
  // Whether a step of the pattern from `begin` on and before `end` writes there.
  bool is_written(const Operand& place, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      if (at(i).result == place) return true;
    }
    return false;
  }

  bool bind(std::size_t step, int name, const Operand& operand) {
    if (name == kNothing) return false;
    if (name >= 0) {
      const auto maker = static_cast<std::size_t>(name);
      return at(maker).result == operand && !is_written(operand, maker + 1, step);
    }
    if (name == kRows && is_written(operand, 0, step)) return false;
    std::optional<Operand>& bound = name == kRows ? rows_ : numbers_[static_cast<std::size_t>(kFirst - name)];
    if (bound.has_value()) return *bound == operand;
    if (name == kRows ? !is_rows(operand) : !is_number(operand)) return false;
    bound = operand;
    return true;
  }

  bool is_rows(const Operand& operand) const {
    if (operand.kind == Kind::kSlot) return true;
    if (operand.kind == Kind::kStore) return !group_.store_column[operand.index];
    return operand.kind == Kind::kExternal && group_.externals[operand.index].type == Type::kF32 &&
           (group_.externals[operand.index].step != 0 || group_.columns == 1);
  }
  bool is_number(const Operand& operand) const {
    if (operand.kind != Kind::kExternal) return false;
    const Group::External& external = group_.externals[operand.index];
    return external.type == Type::kF32 && external.step == 0 &&
           std::ranges::all_of(external.rows, [](const Factor& factor) { return factor.stride == 0; });
  }
  bool is_hidden(std::size_t step) const {
    const Instruction& instruction = at(step);
    if (instruction.narrowed >= 0 || instruction.result.kind == Kind::kStore) return false;
    return is_written(instruction.result, step + 1, pattern_.size()) || is_spent(instruction.result);
  }

  const Group& group_;
  std::size_t first_;
  Pattern pattern_;
  std::optional<Operand> rows_;
  std::array<std::optional<Operand>, 3> numbers_;
};

bool has_one_step(const Group& group, const Operand& rows) {
  return rows.kind != Kind::kExternal || group.externals[rows.index].step == 1;
}

std::optional<Group::RowKernel> find_at(const Group& group, std::size_t first) {
  using Found = Group::RowKernel;
  {
    Matcher matcher(group, first, kQuantise);
    constexpr std::array<std::size_t, 2> kVisible{1, 5};
    // Of the rounded numbers only the integers are looked at.
    if (matcher.matches(kVisible) && matcher.at(5).narrowed >= 0 && matcher.at(5).result.kind == Kind::kSlot &&
        matcher.at(1).narrowed < 0 && matcher.is_spent(matcher.at(5).result)) {
      Found found{
          Found::Kind::kQuantise, first, kQuantise.size(), matcher.rows(), matcher.at(1).result, {}, {}, {}, {}};
      found.integers = Found::Integers{matcher.at(1).result,
                                       static_cast<std::uint32_t>(matcher.at(5).narrowed),
                                       {matcher.number(kFirst), matcher.number(kSecond)}};
      return found;
    }
  }
  const auto whole = [&](Found::Kind kind, Pattern pattern) -> std::optional<Found> {
    Matcher matcher(group, first, pattern);
    const std::array<std::size_t, 1> visible{pattern.size() - 1};
    if (!matcher.matches(visible) || !has_one_step(group, matcher.rows())) return std::nullopt;
    const Instruction& last = matcher.at(pattern.size() - 1);
    if (last.narrowed >= 0 || last.is_column) return std::nullopt;
    return Found{kind,
                 first,
                 pattern.size(),
                 matcher.rows(),
                 last.result,
                 {matcher.number(kFirst), matcher.number(kSecond), matcher.number(kThird)},
                 {},
                 {},
                 {}};
  };
  if (auto found = whole(Found::Kind::kLayerNorm, kLayerNorm)) return found;
  if (auto found = whole(Found::Kind::kRmsNorm, kRmsNorm)) return found;
  if (auto found = whole(Found::Kind::kShares, kShares)) return found;
  if (auto found = whole(Found::Kind::kGelu, kGelu)) return found;
  return whole(Found::Kind::kGelu, kGeluInOrder);
}

// Slots of blocks that are still written to.
std::uint32_t slots_in_use(const Group& group) {
  std::uint32_t count = 0;
  const auto use = [&](const Operand& operand) {
    if (operand.kind == Kind::kSlot) count = std::max(count, operand.index + 1);
  };
  auto kernel = group.row_kernels.begin();
  for (std::size_t i = 0; i < group.instructions.size();) {
    if (kernel != group.row_kernels.end() && kernel->first == i) {
      use(kernel->rows);
      if (!kernel->integers.has_value()) use(kernel->result);
      if (kernel->turns) use(group.instructions[i + kernel->count - 1].result);
      i += kernel->count;
      ++kernel;
      continue;
    }
    for (const Operand& operand : group.instructions[i].operands) use(operand);
    use(group.instructions[i].result);
    ++i;
  }
  return count;
}

bool is_norm(const Group::RowKernel& kernel) {
  return kernel.kind == Group::RowKernel::Kind::kLayerNorm || kernel.kind == Group::RowKernel::Kind::kRmsNorm;
}

// Lets a norm's kernel multiply its rows, and add to them, where that is next and nobody else reads them.
void modulate(const Group& group, Group::RowKernel& norm) {
  const std::size_t next = norm.first + norm.count;
  if (norm.result.kind != Kind::kSlot || next == group.instructions.size()) return;
  const Instruction& bent = group.instructions[next];
  if ((bent.op != Operator::kMul && bent.op != Operator::kFma) || bent.is_column || bent.narrowed >= 0) return;
  const std::size_t own = bent.operands[0] == norm.result ? 0 : 1;
  if (bent.operands[own] != norm.result) return;
  if (bent.result != norm.result && !is_spent(group, norm.result, next + 1)) return;
  for (std::size_t i = 0; i < bent.operands.size(); ++i) {
    const Operand& operand = bent.operands[i];
    if (i == own) continue;
    if (operand.kind != Kind::kExternal || group.externals[operand.index].type != Type::kF32 ||
        group.externals[operand.index].step != 1) {
      return;
    }
  }
  norm.scale = bent.operands[1 - own].index;
  if (bent.op == Operator::kFma) norm.shift = bent.operands[2].index;
  norm.result = bent.result;
  ++norm.count;
}

// Lets a norm's kernel give integers alone, where its rows are quantised next and nobody else reads them.
bool quantise(const Group& group, Group::RowKernel& norm, const Group::RowKernel& next) {
  if (next.kind != Group::RowKernel::Kind::kQuantise || next.first != norm.first + norm.count) return false;
  if (norm.result.kind != Kind::kSlot || next.rows != norm.result) return false;
  if (!is_spent(group, norm.result, next.first + next.count)) return false;
  norm.integers = next.integers;
  norm.count += next.count;
  return true;
}

// Lets an RMS norm's kernel turn the pairs of its rows, where that is next and nobody else reads them.
void turn(const Group& group, Group::RowKernel& norm) {
  const std::size_t next = norm.first + norm.count;
  if (norm.kind != Group::RowKernel::Kind::kRmsNorm || norm.shift.has_value() || norm.result.kind != Kind::kSlot ||
      next == group.instructions.size()) {
    return;
  }
  const Instruction& turning = group.instructions[next];
  if (turning.op != Operator::kConcat || turning.operands[0] != norm.result) return;
  if (turning.result != norm.result && !is_spent(group, norm.result, next + 1)) return;
  norm.turns = true;
  ++norm.count;
}

// kPastCaches of heads' integers, of which a row has a few lines here and there: to read them before they are written
// takes longer.
constexpr std::int64_t kHeadsPastCaches = std::int64_t{4} << 20;

}  // namespace

void find_large_stores(Group& group) {
  group.store_past.assign(group.stores.size(), false);
  for (std::uint32_t i = 0; i < group.stores.size(); ++i) {
    const Operand store{Kind::kStore, i};
    const std::int64_t bytes = group.rows * group.columns * static_cast<std::int64_t>(type_size(group.store_type[i]));
    const bool of_heads = group.head_integers.has_value() && group.head_integers->values == i;
    group.store_past[i] =
        bytes >= (of_heads ? kHeadsPastCaches : kPastCaches) && !group.store_column[i] &&
        std::ranges::none_of(group.instructions, [&](const Instruction& instruction) {
          return std::ranges::any_of(instruction.operands, [&](const Operand& o) { return o == store; });
        });
  }
}

void find_row_kernels(Group& group) {
  for (std::size_t i = group.dequantise.instructions; i < group.instructions.size();) {
    const std::optional<Group::RowKernel> found = find_at(group, i);
    if (!found.has_value()) {
      ++i;
      continue;
    }
    i += found->count;
    if (!group.row_kernels.empty() && is_norm(group.row_kernels.back()) &&
        quantise(group, group.row_kernels.back(), *found)) {
      continue;
    }
    group.row_kernels.push_back(*found);
    if (is_norm(*found)) {
      modulate(group, group.row_kernels.back());
      turn(group, group.row_kernels.back());
      i = group.row_kernels.back().first + group.row_kernels.back().count;
    }
  }
  if (!group.row_kernels.empty()) group.slots = slots_in_use(group);
}

}  // namespace starling::exact
