#include "exact/plan_group.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "exact/plan_recompute.h"

namespace starling::exact {
namespace {

// Rows of a reduction longer than this are reduced from memory, each in one go.
constexpr std::int64_t kMaxReducedColumns = 16384;
// The same where there are rows enough for every thread: the keys of an attention.
constexpr std::int64_t kManyRows = 64;
constexpr std::int64_t kMaxColumnsOfMany = 131072;

bool is_reduction(Operator op) { return op == Operator::kSum || op == Operator::kMax; }

// Joins nodes that read each other within a level.
class Components {
 public:
  explicit Components(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0U); }
  std::size_t find(std::size_t node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

// Hands out numbered slots and takes them back.
class Slots {
 public:
  std::uint32_t take() {
    if (free_.empty()) return count_++;
    const std::uint32_t slot = *free_.begin();
    free_.erase(free_.begin());
    return slot;
  }
  void give_back(std::uint32_t slot) { free_.insert(slot); }
  std::uint32_t count() const { return count_; }

 private:
  std::set<std::uint32_t> free_;
  std::uint32_t count_ = 0;
};

// Turns the nodes of one pass, in order, into instructions.
class GroupWriter {
 public:
  GroupWriter(const Graph& graph, const std::vector<const FusedNode*>& nodes, const std::set<ValueId>& stored)
      : graph_(graph), nodes_(nodes), stored_(stored) {
    for (const FusedNode* node : nodes) members_[node->value] = node;
  }

  Step write() {
    Group& group = step_.group;
    step_.kind = Step::Kind::kGroup;
    group.rows = nodes_.front()->rows;
    group.columns = nodes_.front()->columns;
    count_uses();
    for (const FusedNode* node : nodes_) write_node(*node);
    group.slots = slots_.count();
    group.column_slots = column_slots_.count();
    group.flat = is_flat();
    std::ranges::sort(step_.reads);
    step_.reads.erase(std::unique(step_.reads.begin(), step_.reads.end()), step_.reads.end());
    return std::move(step_);
  }

 private:
  bool inside(const FusedNode& node, const Location& operand) const {
    const auto producer = members_.find(operand.base);
    return producer != members_.end() && identity(*producer->second, operand.view, node);
  }

  void count_uses() {
    for (const FusedNode* node : nodes_) {
      for (const Location& operand : node->operands) {
        if (inside(*node, operand)) ++uses_[operand.base];
      }
    }
  }

  void write_node(const FusedNode& node) {
    const Operator op = graph_.node(node.value).op;
    Instruction instruction;
    instruction.op = op;
    for (const Location& operand : node.operands) instruction.operands.push_back(read(node, operand));
    if (op == Operator::kSum) widen(instruction.operands[0]);
    for (const Location& operand : node.operands) {
      if (inside(node, operand) && --uses_[operand.base] == 0) release(results_[operand.base]);
    }
    // Elementwise kernels may write over an operand; a reduction's result is of another kind of slot anyway.
    Instruction::Operand result{};
    const bool is_stored = stored_.contains(node.value);
    if (is_stored) {
      step_.group.stores.push_back(node.value);
      step_.group.store_column.push_back(node.is_column);
      step_.group.store_type.push_back(graph_.type(node.value));
      step_.writes.push_back(node.value);
    }
    const auto store = static_cast<std::uint32_t>(step_.group.stores.size() - 1);
    const bool is_float = graph_.type(node.value) == Type::kF32;
    if (is_stored && !is_float) instruction.narrowed = static_cast<int>(store);
    if (is_stored && is_float) {
      result = {Instruction::Operand::Kind::kStore, store};
    } else if (node.is_column) {
      result = {Instruction::Operand::Kind::kColumn, column_slots_.take()};
    } else {
      result = {Instruction::Operand::Kind::kSlot, slots_.take()};
    }
    instruction.result = result;
    instruction.is_column = node.is_column;
    results_[node.value] = result;
    if (uses_[node.value] == 0) release(result);
    step_.group.instructions.push_back(std::move(instruction));
  }

  // The operand of a sum, as f32 if it is integers in memory.
  void widen(Instruction::Operand& operand) {
    if (operand.kind != Instruction::Operand::Kind::kExternal) return;
    if (step_.group.externals[operand.index].type == Type::kF32) return;
    Instruction instruction;
    instruction.op = Operator::kToF32;
    instruction.operands = {operand};
    instruction.result = operand = {Instruction::Operand::Kind::kSlot, slots_.take()};
    step_.group.instructions.push_back(std::move(instruction));
    slots_.give_back(operand.index);  // nothing is written before the sum has read it
  }

  void release(const Instruction::Operand& result) {
    if (result.kind == Instruction::Operand::Kind::kSlot) slots_.give_back(result.index);
    if (result.kind == Instruction::Operand::Kind::kColumn) column_slots_.give_back(result.index);
  }

  Instruction::Operand read(const FusedNode& node, const Location& operand) {
    // All operands of what can be fused have one type.
    const Type type = graph_.type(graph_.node(node.value).inputs[0]);
    if (inside(node, operand)) return results_.at(operand.base);
    Group::External external;
    external.base = operand.base;
    external.type = type;
    external.offset = operand.view.offset();
    const int rank = operand.view.rank();
    external.rows = operand.view.factors(0, std::max(rank - 1, 0));
    external.step = *column_step(operand.view);
    auto& externals = step_.group.externals;
    const auto found = std::ranges::find(externals, external);
    const auto index = static_cast<std::uint32_t>(found - externals.begin());
    if (found == externals.end()) externals.push_back(external);
    step_.reads.push_back(operand.base);
    return {Instruction::Operand::Kind::kExternal, index};
  }

  // Elementwise over memory that is contiguous or one number: then the shape does not matter.
  bool is_flat() const {
    const Group& group = step_.group;
    for (const Group::External& external : group.externals) {
      const bool one_number = external.step == 0 && std::ranges::all_of(external.rows, [](const Factor& factor) {
                                return factor.stride == 0;
                              });
      const bool one_run = (group.columns == 1 || external.step == 1) &&
                           (group.rows == 1 || (external.rows.size() == 1 && external.rows[0].stride == group.columns));
      if (!one_number && !one_run) return false;
    }
    return std::ranges::none_of(group.instructions, [](const Instruction& i) { return i.is_column; });
  }

  const Graph& graph_;
  const std::vector<const FusedNode*>& nodes_;
  const std::set<ValueId>& stored_;
  std::map<ValueId, const FusedNode*> members_;
  std::map<ValueId, int> uses_;
  std::map<ValueId, Instruction::Operand> results_;
  Slots slots_;
  Slots column_slots_;
  Step step_{};
};

}  // namespace

bool fusible(const Graph& graph, const Node& node) {
  if (find_operator(node.op)->kind == OperatorClass::kElementwise) return node.op != Operator::kToI32;
  if (!is_reduction(node.op)) return false;
  const Shape& input = graph.shape(node.inputs[0]);
  const bool many = input.elements() / input.back() >= kManyRows;
  return node.attributes[0] == input.rank() - 1 && input.back() <= (many ? kMaxColumnsOfMany : kMaxReducedColumns);
}

bool same_space(const FusedNode& a, const FusedNode& b) { return a.rows == b.rows && a.columns == b.columns; }

bool identity(const FusedNode& producer, const View& view, const FusedNode& consumer) {
  if (view.offset() != 0) return false;
  const int rank = view.rank();
  const std::vector<Factor> rows = view.factors(0, std::max(rank - 1, 0));
  const std::vector<Factor> columns = view.factors(std::max(rank - 1, 0), rank);
  const std::int64_t row_stride = producer.is_column ? 1 : producer.columns;
  const bool rows_match =
      consumer.rows == 1
          ? rows.empty()
          : rows.size() == 1 && rows[0] == Factor{consumer.rows, static_cast<std::ptrdiff_t>(row_stride)};
  if (!rows_match) return false;
  // The operand of a column, and that of a block one column wide, have no last axis to speak of.
  if (columns.empty()) return producer.is_column || producer.columns == 1;
  return columns.size() == 1 && columns[0].stride == (producer.is_column ? 0 : 1);
}

std::optional<std::ptrdiff_t> column_step(const View& view) {
  const int rank = view.rank();
  const std::vector<Factor> columns = view.factors(std::max(rank - 1, 0), rank);
  if (columns.empty()) return 0;
  if (columns.size() > 1) return std::nullopt;
  return columns[0].stride;
}

void raise_levels(std::vector<FusedNode>& nodes, const std::map<ValueId, int>& latest) {
  std::map<ValueId, std::size_t> index;
  for (std::size_t i = 0; i < nodes.size(); ++i) index[nodes[i].value] = i;
  Components components(nodes.size());
  struct Reader {
    std::size_t node;
    bool within;  // could read it within a pass
  };
  std::vector<std::vector<Reader>> readers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Location& operand : nodes[i].operands) {
      const auto producer = index.find(operand.base);
      if (producer == index.end()) continue;
      const FusedNode& from = nodes[producer->second];
      const bool within = same_space(from, nodes[i]) && identity(from, operand.view, nodes[i]);
      readers[producer->second].push_back({i, within});
      if (within && from.level == nodes[i].level) components.join(i, producer->second);
    }
  }
  std::map<std::pair<int, std::size_t>, std::vector<std::size_t>> members;  // of components, by level
  for (std::size_t i = 0; i < nodes.size(); ++i) members[{-nodes[i].level, components.find(i)}].push_back(i);
  // What reads a component is above it, and has been raised before.
  for (const auto& [key, component] : members) {
    const int level = -key.first;
    int bound = std::numeric_limits<int>::max();
    int joined = bound;  // the lowest level of what could take the component
    for (const std::size_t i : component) {
      if (const auto found = latest.find(nodes[i].value); found != latest.end()) bound = std::min(bound, found->second);
      for (const Reader& reader : readers[i]) {
        if (components.find(reader.node) == key.second) continue;
        bound = std::min(bound, nodes[reader.node].level - (reader.within ? 0 : 1));
        if (reader.within) joined = std::min(joined, nodes[reader.node].level);
      }
    }
    if (joined != bound || bound <= level) continue;
    for (const std::size_t i : component) nodes[i].level = bound;
  }
}

std::vector<Step> make_groups(const Graph& graph, const std::vector<FusedNode>& nodes,
                              const std::set<ValueId>& needed) {
  std::map<ValueId, std::size_t> index;
  for (std::size_t i = 0; i < nodes.size(); ++i) index[nodes[i].value] = i;
  Components components(nodes.size());
  const auto joined = [&](const FusedNode& consumer, const Location& operand) {
    const auto producer = index.find(operand.base);
    if (producer == index.end()) return false;
    const FusedNode& from = nodes[producer->second];
    return from.level == consumer.level && same_space(from, consumer) && identity(from, operand.view, consumer);
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Location& operand : nodes[i].operands) {
      if (joined(nodes[i], operand)) components.join(i, index.at(operand.base));
    }
  }
  std::set<ValueId> stored = needed;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Location& operand : nodes[i].operands) {
      const auto producer = index.find(operand.base);
      if (producer == index.end()) continue;
      // Read from memory even inside the pass it is made in cannot be: such an edge raises the level.
      if (components.find(producer->second) != components.find(i)) stored.insert(operand.base);
    }
  }
  std::vector<std::size_t> pass_of;
  for (std::size_t i = 0; i < nodes.size(); ++i) pass_of.push_back(components.find(i));
  std::map<std::size_t, std::set<ValueId>> passes = choose_recomputed(graph, nodes, pass_of, needed, stored);
  for (std::size_t i = 0; i < nodes.size(); ++i) passes[pass_of[i]].insert(nodes[i].value);
  std::vector<Step> steps;
  for (const auto& [pass, values] : passes) {
    std::vector<const FusedNode*> members;
    for (const ValueId value : values) members.push_back(&nodes[index.at(value)]);
    Step step = GroupWriter(graph, members, stored).write();
    // A pass whose values are all made again where they are read stores nothing.
    if (!step.writes.empty()) steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace starling::exact
