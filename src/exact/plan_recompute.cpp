#include "exact/plan_recompute.h"

#include <algorithm>

namespace starling::exact {
namespace {

// Smaller values are likely to be in a cache still.
constexpr std::int64_t kLargeElements = 1 << 16;
// An operation on a block in the cache costs about a quarter of moving the block to or from memory.
constexpr std::size_t kOperationsPerMove = 4;

bool cheap(Operator op) {
  switch (op) {
    case Operator::kAdd:
    case Operator::kSub:
    case Operator::kMul:
    case Operator::kFma:
    case Operator::kNeg:
    case Operator::kAbs:
    case Operator::kMaximum:
    case Operator::kMinimum:
    case Operator::kLess:
    case Operator::kSelect:
      return true;
    default:
      return false;
  }
}

// Whether an element is read for each row and column, and not one for many.
bool wide(const Location& operand) {
  if (column_step(operand.view) == 0) return false;
  const std::vector<Factor> rows = operand.view.factors(0, std::max(operand.view.rank() - 1, 0));
  return std::ranges::none_of(rows, [](const Factor& factor) { return factor.stride == 0; });
}

class Chooser {
 public:
  Chooser(const Graph& graph, const std::vector<FusedNode>& nodes, const std::vector<std::size_t>& pass_of,
          const std::set<ValueId>& needed, std::set<ValueId>& stored)
      : graph_(graph), nodes_(nodes), pass_of_(pass_of), needed_(needed), stored_(stored) {
    for (std::size_t i = 0; i < nodes.size(); ++i) index_[nodes[i].value] = i;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const Location& operand : nodes[i].operands) {
        const auto producer = index_.find(operand.base);
        if (producer != index_.end() && pass_of[producer->second] == pass_of[i]) continue;
        if (wide(operand)) reads_[pass_of[i]].insert(operand.base);
        if (producer != index_.end()) readers_[operand.base].push_back({i, &operand});
      }
    }
  }

  // Operands come before what reads them, so that what is chosen for a value holds when its readers are looked at.
  std::map<std::size_t, std::set<ValueId>> run() {
    for (const FusedNode& node : nodes_) consider(node);
    return std::move(chosen_);
  }

 private:
  struct Reader {
    std::size_t node;
    const Location* operand;
  };

  // What making a value again in one pass takes.
  struct Price {
    std::set<ValueId> nodes;
    std::set<ValueId> columns;  // to be stored
    std::set<ValueId> reads;    // large operands that the pass does not read yet
  };

  bool can_be_made(const FusedNode& node) const { return !node.is_column && cheap(graph_.node(node.value).op); }

  void consider(const FusedNode& node) {
    const auto readers = readers_.find(node.value);
    if (readers == readers_.end() || needed_.contains(node.value) || !stored_.contains(node.value)) return;
    if (!can_be_made(node)) return;
    // What is made of a column and a row is larger than they are, at any size.
    if (node.rows * node.columns < kLargeElements && std::ranges::any_of(node.operands, wide)) return;
    std::map<std::size_t, Price> prices;
    for (const Reader& reader : readers->second) {
      const FusedNode& consumer = nodes_[reader.node];
      if (!same_space(node, consumer) || !identity(node, reader.operand->view, consumer)) return;
      prices.try_emplace(pass_of_[reader.node]);
    }
    const std::size_t saved = 1 + prices.size();
    std::size_t moved = 0;
    std::size_t operations = 0;
    for (auto& [pass, price] : prices) {
      if (!add_to(price, node, pass)) return;
      moved += price.reads.size();
      operations += price.nodes.size();
    }
    if (moved >= saved || operations > kOperationsPerMove * (saved - moved)) return;
    for (const auto& [pass, price] : prices) {
      chosen_[pass].insert(price.nodes.begin(), price.nodes.end());
      stored_.insert(price.columns.begin(), price.columns.end());
      reads_[pass].insert(price.reads.begin(), price.reads.end());
      reads_[pass].erase(node.value);
    }
    stored_.erase(node.value);
  }

  // Adds the node, and what it needs that is not in memory. False if that cannot be.
  bool add_to(Price& price, const FusedNode& node, std::size_t pass) const {
    const auto chosen = chosen_.find(pass);
    if (price.nodes.contains(node.value) || (chosen != chosen_.end() && chosen->second.contains(node.value))) {
      return true;
    }
    if (!can_be_made(node)) return false;
    for (const Location& operand : node.operands) {
      const auto producer = index_.find(operand.base);
      if (producer != index_.end() && !stored_.contains(operand.base)) {
        const FusedNode& from = nodes_[producer->second];
        if (!from.is_column) {
          if (!same_space(from, node) || !identity(from, operand.view, node) || !add_to(price, from, pass))
            return false;
          continue;
        }
        price.columns.insert(operand.base);
      }
      const auto reads = reads_.find(pass);
      const bool read_already = reads != reads_.end() && reads->second.contains(operand.base);
      if (wide(operand) && !read_already) price.reads.insert(operand.base);
    }
    price.nodes.insert(node.value);
    return true;
  }

  const Graph& graph_;
  const std::vector<FusedNode>& nodes_;
  const std::vector<std::size_t>& pass_of_;
  const std::set<ValueId>& needed_;
  std::set<ValueId>& stored_;
  std::map<ValueId, std::size_t> index_;
  std::map<ValueId, std::vector<Reader>> readers_;  // in other passes
  std::map<std::size_t, std::set<ValueId>> reads_;  // large values that a pass reads from memory
  std::map<std::size_t, std::set<ValueId>> chosen_;
};

}  // namespace

std::map<std::size_t, std::set<ValueId>> choose_recomputed(const Graph& graph, const std::vector<FusedNode>& nodes,
                                                           const std::vector<std::size_t>& pass_of,
                                                           const std::set<ValueId>& needed, std::set<ValueId>& stored) {
  return Chooser(graph, nodes, pass_of, needed, stored).run();
}

}  // namespace starling::exact
