#include "exact/plan_stream.h"

#include <algorithm>
#include <map>
#include <set>

#include "exact/plan_group.h"

namespace starling::exact {
namespace {

// Bounds the packed operands and the rows of one thread.
constexpr std::int64_t kMostNumbers = std::int64_t{48} << 20;
constexpr std::int64_t kBlockRows = 256;  // at most, of a block

bool is_product(const Step& step) { return step.kind == Step::Kind::kDot || step.kind == Step::Kind::kIntegerDot; }

class Streamer {
 public:
  Streamer(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs)
      : graph_(graph), steps_(steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const ValueId value : steps[i].reads) readers_[value].insert(i);
      for (const ValueId value : steps[i].writes) writer_[value] = i;
    }
    for (const ValueId value : outputs) readers_[value].insert(steps.size());
  }

  void run() {
    std::vector<bool> gone(steps_.size(), false);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!is_product(steps_[i])) continue;
      const auto pass = writer_.find(steps_[i].operands[0].base);
      if (pass == writer_.end() || steps_[pass->second].kind != Step::Kind::kGroup) continue;
      const std::optional<std::size_t> product = product_of(steps_[pass->second], i);
      if (!product.has_value() || gone[pass->second] || !fits(i, pass->second, *product)) continue;
      join(i, pass->second, *product);
      gone[pass->second] = gone[*product] = true;
    }
    std::vector<Step> left;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!gone[i]) left.push_back(std::move(steps_[i]));
    }
    steps_ = std::move(left);
  }

 private:
  std::int64_t columns_of(const Step& product) const { return graph_.shape(product.out).back(); }
  std::int64_t rows_of(const Step& product) const { return graph_.shape(product.out).elements() / columns_of(product); }
  std::int64_t depth_of(const Step& product) const {
    return graph_.shape(graph_.nodes()[static_cast<std::size_t>(product.node)].inputs[0]).back();
  }

  // The product that the pass reads as its own and nobody else reads, of the kind of step `last`.
  std::optional<std::size_t> product_of(const Step& pass, std::size_t last) const {
    for (const ValueId value : pass.reads) {
      const auto found = writer_.find(value);
      if (found == writer_.end() || steps_[found->second].kind != steps_[last].kind) continue;
      const Step& product = steps_[found->second];
      if (product.rows != nullptr || readers_.at(value).size() != 1) continue;
      if (reads_as_own(pass.group, value, rows_of(product), columns_of(product))) return found->second;
    }
    return std::nullopt;
  }

  bool fits(std::size_t last, std::size_t pass, std::size_t first) const {
    const Step& reader = steps_[last];
    const Group& group = steps_[pass].group;
    const ValueId made = reader.operands[0].base;
    const View& view = reader.operands[0].view;
    if (readers_.at(made).size() != 1 || reader.operands[1].base == made) return false;
    if (!view.is_contiguous() || view.rank() != graph_.shape(reader.out).rank()) return false;
    if (group.columns != depth_of(reader) || group.rows != rows_of(reader)) return false;
    const std::int64_t rows = graph_.shape(reader.out)[view.rank() - 2];
    if (rows != graph_.shape(steps_[first].out)[graph_.shape(steps_[first].out).rank() - 2]) return false;
    for (std::size_t i = 0; i < group.stores.size(); ++i) {
      const ValueId value = group.stores[i];
      if (value == made) continue;
      const auto found = readers_.find(value);
      // What else the pass makes is there once the reader is done, and not before.
      const bool late = found == readers_.end() || *found->second.begin() > last;
      if (!group.store_column[i] || !late || reader.operands[1].base == value) return false;
    }
    const std::int64_t keys = group.columns;
    return keys * (depth_of(steps_[first]) + columns_of(reader) + kBlockRows) <= kMostNumbers;
  }

  void join(std::size_t last, std::size_t pass, std::size_t first) {
    Step& reader = steps_[last];
    auto source = std::make_shared<RowSource>();
    source->product = std::move(steps_[first]);
    source->pass = std::move(steps_[pass]);
    source->made = reader.operands[0].base;
    Group& group = source->pass.group;
    group.flat = false;
    if (reader.kind == Step::Kind::kIntegerDot) {
      find_dequantising(group, source->product.out);
      find_softmax(group, source->made);
    }
    if (!group.softmax.has_value()) find_row_kernels(group);
    reader.reads = {reader.operands[1].base};
    reader.reads.insert(reader.reads.end(), source->product.reads.begin(), source->product.reads.end());
    for (const ValueId value : source->pass.reads) {
      if (value != source->product.out) reader.reads.push_back(value);
    }
    for (const ValueId value : source->pass.writes) {
      if (value != source->made) reader.writes.push_back(value);
    }
    reader.rows = std::move(source);
  }

  const Graph& graph_;
  std::vector<Step>& steps_;
  std::map<ValueId, std::set<std::size_t>> readers_;
  std::map<ValueId, std::size_t> writer_;
};

}  // namespace

bool reads_as_own(const Group& pass, ValueId product, std::int64_t rows, std::int64_t columns) {
  if (columns == 1 || pass.columns != columns || pass.rows != rows) return false;
  const std::vector<Factor> wanted =
      rows == 1 ? std::vector<Factor>{} : std::vector<Factor>{{rows, static_cast<std::ptrdiff_t>(columns)}};
  return std::ranges::all_of(pass.externals, [&](const Group::External& external) {
    return external.base != product || (external.offset == 0 && external.step == 1 && external.rows == wanted);
  });
}

void stream_rows(const Graph& graph, std::vector<Step>& steps, const std::vector<ValueId>& outputs) {
  Streamer(graph, steps, outputs).run();
}

}  // namespace starling::exact
