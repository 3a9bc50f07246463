#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;
using Kind = Operand::Kind;

// Blocks of columns, where a pass is not cut by rows alone, begin at multiples of this.
constexpr std::int64_t kColumnStep = 256;

class Rotator {
 public:
  Rotator(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs)
      : graph_(graph), steps_(steps), gone_(steps.size(), false) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const ValueId value : steps[i].reads) readers_[value].insert(i);
      for (const ValueId value : steps[i].writes) writer_[value] = i;
    }
    for (const ValueId value : outputs) readers_[value].insert(steps.size());
  }

  void run() {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].kind == Step::Kind::kConcat) consider(i);
    }
    std::vector<Step> left;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!gone_[i]) left.push_back(std::move(steps_[i]));
    }
    steps_ = std::move(left);
  }

 private:
  using External = Group::External;

  // What a pass makes one half of.
  struct Half {
    External even, odd, cosine, sine;
    bool operator==(const Half&) const = default;
  };

  void consider(std::size_t concat) {
    const Step& joined = steps_[concat];
    const Shape& shape = graph_.shape(joined.out);
    if (joined.operands.size() != 2 || graph_.type(joined.out) != Type::kF32) return;
    const Node& node = graph_.nodes()[static_cast<std::size_t>(joined.node)];
    if (node.attributes[0] != shape.rank() - 1) return;
    std::array<std::size_t, 2> makers{};
    std::array<std::optional<Half>, 2> halves;
    for (std::size_t i = 0; i < 2; ++i) {
      const Location& operand = joined.operands[i];
      const auto maker = writer_.find(operand.base);
      if (maker == writer_.end() || gone_[maker->second] || !operand.view.is_contiguous()) return;
      if (readers_.at(operand.base) != std::set<std::size_t>{concat}) return;
      makers[i] = maker->second;
      halves[i] = half_of(steps_[maker->second], i == 0 ? Operator::kSub : Operator::kAdd);
    }
    if (!halves[0].has_value() || halves[0] != halves[1] || makers[0] == makers[1]) return;
    const Group& pass = steps_[makers[0]].group;
    if (steps_[makers[1]].group.rows != pass.rows || 2 * pass.columns != shape.back()) return;
    std::optional<Step> made = rotation(*halves[0], pass.rows, pass.columns);
    if (!made.has_value()) return;
    made->group.stores = {joined.out};
    made->writes = {joined.out};
    gone_[concat] = gone_[makers[0]] = gone_[makers[1]] = true;
    const std::size_t first = std::min(makers[0], makers[1]);
    if (!append(*made, halves[0]->even.base, makers)) {
      steps_[first] = std::move(*made);
      gone_[first] = false;
    }
  }

  // even · cosine - odd · sine, or even · sine + odd · cosine, and nothing else.
  static std::optional<Half> half_of(const Step& step, Operator last) {
    const Group& group = step.group;
    if (step.kind != Step::Kind::kGroup || group.stores.size() != 1 || group.instructions.size() != 3) return {};
    const Instruction& result = group.instructions[2];
    if (result.op != last || result.is_column || group.store_column[0]) return {};
    // Either product may come first: they are told apart by who reads them.
    if (group.instructions[0].result == group.instructions[1].result) return {};
    std::array<External, 4> found{};
    for (std::size_t i = 0; i < 2; ++i) {
      const bool in_order = result.operands[0] == group.instructions[0].result;
      const Instruction& product = group.instructions[in_order ? i : 1 - i];
      if (product.op != Operator::kMul || product.is_column || result.operands[i] != product.result) return {};
      for (std::size_t j = 0; j < 2; ++j) {
        if (product.operands[j].kind != Kind::kExternal) return {};
        found[2 * i + j] = group.externals[product.operands[j].index];
      }
    }
    const bool first = last == Operator::kSub;
    return Half{found[0], found[2], found[first ? 1 : 3], found[first ? 3 : 1]};
  }

  // The pass over whole rows of heads, but for what it stores.
  std::optional<Step> rotation(const Half& half, std::int64_t heads_and_rows, std::int64_t count) const {
    const ValueId pairs = half.even.base;
    const std::vector<Factor> every{{heads_and_rows, static_cast<std::ptrdiff_t>(2 * count)}};
    const auto is_number = [&](const External& external, std::ptrdiff_t offset) {
      return external.base == pairs && external.type == Type::kF32 && external.offset == offset && external.step == 2 &&
             external.rows == every;
    };
    if (!is_number(half.even, 0) || !is_number(half.odd, 1)) return {};
    const auto heads = heads_of(half.cosine);
    if (!heads.has_value() || heads_of(half.sine) != heads) return {};
    Step step{};
    step.kind = Step::Kind::kGroup;
    Group& group = step.group;
    group.half = count;
    group.rows = heads_and_rows / *heads;
    group.columns = 2 * count * *heads;
    std::vector<Factor> rows;
    if (group.rows > 1) rows.push_back({group.rows, static_cast<std::ptrdiff_t>(group.columns)});
    group.externals = {{pairs, Type::kF32, 0, std::move(rows), 1}, table(half.cosine), table(half.sine)};
    Instruction instruction;
    instruction.op = Operator::kConcat;
    for (std::uint32_t i = 0; i < 3; ++i) instruction.operands.push_back({Kind::kExternal, i});
    instruction.result = {Kind::kStore, 0};
    group.instructions.push_back(std::move(instruction));
    group.store_column = {false};
    group.store_type = {Type::kF32};
    step.reads = {pairs, half.cosine.base, half.sine.base};
    if (group.columns > kColumnStep && kColumnStep % (2 * count) != 0) return {};
    return step;
  }

  // How many rows after each other, at the end, have the same angles.
  static std::optional<std::int64_t> heads_of(const External& table) {
    if (table.type != Type::kF32 || table.step != 1 || table.rows.empty()) return {};
    if (table.rows.back().stride != 0 || table.rows.size() == 1) return {};
    return table.rows.back().size;
  }
  // The angles of a row of heads.
  static External table(External table) {
    table.rows.pop_back();
    table.step = 0;
    return table;
  }

  // Lets the pass that makes the pairs turn them, if nobody else looks at them.
  bool append(const Step& made, ValueId pairs, const std::array<std::size_t, 2>& makers) {
    const auto writer = writer_.find(pairs);
    if (writer == writer_.end() || gone_[writer->second]) return false;
    Step& pass = steps_[writer->second];
    Group& group = pass.group;
    if (pass.kind != Step::Kind::kGroup || group.half != 0 || group.rows != made.group.rows ||
        group.columns != made.group.columns) {
      return false;
    }
    if (readers_.at(pairs) != std::set<std::size_t>{makers[0], makers[1]}) return false;
    for (std::size_t i = 1; i < made.reads.size(); ++i) {
      const auto table = writer_.find(made.reads[i]);
      if (table != writer_.end() && table->second >= writer->second) return false;
    }
    const auto store = static_cast<std::uint32_t>(std::ranges::find(group.stores, pairs) - group.stores.begin());
    if (group.store_column[store]) return false;
    const Operand block = block_for(group, store);
    const auto move = [&](Operand& operand) {
      if (operand.kind == Kind::kStore && operand.index == store) operand = block;
    };
    for (Instruction& instruction : group.instructions) {
      move(instruction.result);
      std::ranges::for_each(instruction.operands, move);
    }
    Instruction turned = made.group.instructions[0];
    turned.operands[0] = block;
    for (std::size_t i = 1; i < 3; ++i) {
      turned.operands[i].index = static_cast<std::uint32_t>(group.externals.size());
      group.externals.push_back(made.group.externals[i]);
    }
    turned.result = {Kind::kStore, store};
    group.instructions.push_back(std::move(turned));
    group.half = made.group.half;
    group.flat = false;
    const ValueId out = made.group.stores[0];
    group.stores[store] = out;
    std::ranges::replace(pass.writes, pairs, out);
    pass.reads.insert(pass.reads.end(), made.reads.begin() + 1, made.reads.end());
    return true;
  }

  // Where in place of a store: that of an operand, if its last reader is who stores and nothing comes after.
  static Operand block_for(Group& group, std::uint32_t store) {
    const Instruction& last = group.instructions.back();
    if (last.result == Operand{Kind::kStore, store} && last.narrowed < 0) {
      for (const Operand& operand : last.operands) {
        if (operand.kind == Kind::kSlot) return operand;
      }
    }
    return {Kind::kSlot, group.slots++};
  }

  const Graph& graph_;
  std::vector<Step>& steps_;
  std::vector<bool> gone_;
  std::map<ValueId, std::set<std::size_t>> readers_;
  std::map<ValueId, std::size_t> writer_;
};

}  // namespace

void rotate_in_one_go(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs) {
  Rotator(graph, steps, outputs).run();
}

}  // namespace starling::exact
