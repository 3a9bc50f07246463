#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "exact/arena_places.h"
#include "exact/integer_dot.h"
#include "exact/plan_body.h"
#include "exact/plan_group.h"
#include "exact/plan_stream.h"
#include "exact/run_group.h"

namespace starling::exact {
namespace {

using Place = Plan::Body::Place;

constexpr std::size_t kArenaAlignment = 64;

// Whether a reduction along `axis` can read the view as outer × axis × inner, equally spaced in the latter two.
bool reducible(const View& view, int axis) {
  return view.factors(axis, axis + 1).size() <= 1 && view.factors(axis + 1, view.rank()).size() <= 1;
}

class Planner {
 public:
  Planner(Plan::Body& body, const std::function<base::Status()>& stop) : body_(body), graph_(body.graph), stop_(stop) {}

  base::Status run() {
    STARLING_TRY(fold_constants());
    STARLING_TRY(locate());
    order();
    std::vector<ValueId> outputs;
    for (const GraphOutput& output : graph_.outputs()) outputs.push_back(locations_[output.value].base);
    rotate_in_one_go(graph_, body_.steps, outputs);
    stream_rows(graph_, body_.steps, outputs);
    quantise_heads(graph_, body_.steps, outputs);
    fuse_products();
    for (Step& step : body_.steps) {
      find_row_kernels(step.group);
      if (step.kind == Step::Kind::kGroup) find_large_stores(step.group);
    }
    STARLING_TRY(place());
    find_packed();
    for (const Step& step : body_.steps) {
      if (step.rows != nullptr) {
        body_.scratch_floats = std::max(body_.scratch_floats, group_scratch(step.rows->pass.group));
      }
      if (step.kind != Step::Kind::kGroup && !step.group.of_product) continue;
      body_.scratch_floats = std::max(body_.scratch_floats, group_scratch(step.group));
    }
    return {};
  }

 private:
  base::Status check_stop() const { return stop_ ? stop_() : base::Status(); }

  std::size_t first_node() const { return graph_.inputs().size(); }
  std::size_t node_index(ValueId value) const { return value - first_node(); }

  bool is_scalar_fill(ValueId value) const {
    return !graph_.is_input(value) && graph_.node(value).op == Operator::kFill;
  }

  // Finds the values that depend on no input, and plans those that others need as a graph of their own.
  base::Status fold_constants() {
    const std::size_t count = graph_.values();
    constant_.assign(count, false);
    for (auto value = static_cast<ValueId>(first_node()); value < count; ++value) {
      const Node& node = graph_.node(value);
      constant_[value] = std::ranges::all_of(node.inputs, [&](ValueId input) { return constant_[input]; });
    }
    if (first_node() == 0) {
      // Nothing to fold into: the graph itself is the constant part.
      std::fill(constant_.begin(), constant_.end(), false);
      return {};
    }
    std::set<ValueId> needed;
    for (auto value = static_cast<ValueId>(first_node()); value < count; ++value) {
      if (constant_[value]) continue;
      for (const ValueId input : graph_.node(value).inputs) {
        if (constant_[input] && !is_scalar_fill(input)) needed.insert(input);
      }
    }
    for (const GraphOutput& output : graph_.outputs()) {
      if (constant_[output.value] && !is_scalar_fill(output.value)) needed.insert(output.value);
    }
    if (needed.empty()) return {};
    Builder builder;
    std::vector<ValueId> renumbered(count);
    for (auto value = static_cast<ValueId>(first_node()); value < count; ++value) {
      if (!constant_[value]) continue;
      const Node& node = graph_.node(value);
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) inputs.push_back(renumbered[input]);
      renumbered[value] = builder.add_node(node.op, inputs, node.attributes, node.scalar).id;
    }
    std::size_t index = 0;
    for (const ValueId value : needed) {
      builder.output(std::to_string(value), {renumbered[value]});
      folded_[value] = index++;
    }
    STARLING_ASSIGN(Graph constants, builder.finish());
    STARLING_ASSIGN(Plan plan, Plan::make(std::move(constants), stop_));
    body_.constant_plan = std::make_shared<const Plan>(std::move(plan));
    return {};
  }

  // A new value with memory of its own, beyond the graph's.
  ValueId extra(Type type, const Shape& shape) {
    const auto id = static_cast<ValueId>(graph_.values() + body_.extra_values++);
    body_.places.emplace_back();
    extras_.push_back({type, shape});
    return id;
  }

  // The operand's elements under `shape` (broadcast).
  Location broadcast(ValueId value, const Shape& shape) const {
    Location out = locations_[value];
    out.view = out.view.expand(shape);
    return out;
  }

  // Copies a value to memory of its own, so that any view of it can be had.
  void materialise(ValueId value) {
    Step step{};
    step.kind = Step::Kind::kCopy;
    step.operands = {locations_[value]};
    step.out = extra(graph_.type(value), graph_.shape(value));
    step.element_bytes = type_size(graph_.type(value));
    locations_[value] = {step.out, View::contiguous(graph_.shape(value))};
    emit(std::move(step));
  }

  int level_of(ValueId base) const { return levels_.at(base); }

  // Adds a step that is not fused; its level is one above whatever it reads.
  void emit(Step step) {
    int level = 0;
    for (const Location& operand : step.operands) level = std::max(level, level_of(operand.base) + 1);
    levels_[step.out] = level;
    pending_.push_back(std::move(step));
  }

  base::Status locate() {
    const std::size_t count = graph_.values();
    locations_.resize(count);
    body_.places.resize(count);
    for (ValueId value = 0; value < count; ++value) {
      STARLING_TRY(check_stop());
      if (graph_.is_input(value)) {
        body_.places[value] = {Place::Kind::kInput, value};
        locations_[value] = {value, View::contiguous(graph_.shape(value))};
        levels_[value] = 0;
        continue;
      }
      const Node& node = graph_.node(value);
      if (node.op == Operator::kFill) {
        body_.places[value] = {Place::Kind::kScalar, body_.scalars.size()};
        body_.scalars.push_back(node.scalar);
        locations_[value] = {value, View::repeated(node.shape)};
        levels_[value] = 0;
      } else if (const auto folded = folded_.find(value); folded != folded_.end()) {
        body_.places[value] = {Place::Kind::kConstant, folded->second};
        locations_[value] = {value, View::contiguous(node.shape)};
        levels_[value] = 0;
      } else if (constant_[value]) {
        locations_[value] = {value, View::contiguous(node.shape)};  // only other constants read it
        levels_[value] = 0;
      } else if (find_operator(node.op)->kind == OperatorClass::kView) {
        locate_view(value, node);
      } else if (fusible(graph_, node)) {
        locate_fused(value, node);
      } else {
        locate_step(value, node);
      }
    }
    copy_parts_out();
    return {};
  }

  // Outputs that are a part of what they lie in, as the last frames that a convolution saw, are copied as soon as they
  // are there: the whole need not stay until the end.
  void copy_parts_out() {
    for (const GraphOutput& output : graph_.outputs()) {
      const ValueId base = locations_[output.value].base;
      if (body_.places[base].kind != Place::Kind::kNone) continue;
      if (graph_.shape(output.value).elements() < shape_of(base).elements()) materialise(output.value);
    }
  }

  void locate_view(ValueId value, const Node& node) {
    const ValueId input = node.inputs[0];
    auto view = apply_view(node, locations_[input].view);
    if (!view.has_value()) {
      materialise(input);
      view = apply_view(node, locations_[input].view);
    }
    locations_[value] = {locations_[input].base, *view};
  }

  static std::optional<View> apply_view(const Node& node, const View& view) {
    const auto& a = node.attributes;
    switch (node.op) {
      case Operator::kReshape:
        return view.reshape(node.shape);
      case Operator::kPermute:
        return view.permute(a);
      case Operator::kSlice:
        return view.slice(static_cast<int>(a[0]), a[1], a[2], a[3]);
      case Operator::kExpand:
        return view.expand(node.shape);
      default:
        return view.patches(std::span(a).first(3), std::span(a).subspan(3));
    }
  }

  // Gives a fusible node its level and row space; steps are made of whole groups later.
  void locate_fused(ValueId value, const Node& node) {
    FusedNode fused;
    fused.value = value;
    const Shape& space =
        node.op == Operator::kSum || node.op == Operator::kMax ? graph_.shape(node.inputs[0]) : node.shape;
    fused.columns = space.back();
    fused.rows = space.elements() / fused.columns;
    fused.is_column = node.op == Operator::kSum || node.op == Operator::kMax;
    // A node on one column a row belongs to the latest pass that made such a column.
    if (!fused.is_column && fused.columns == 1) {
      int latest = -1;
      for (const ValueId input : node.inputs) {
        const auto producer = fused_.find(locations_[input].base);
        if (producer == fused_.end() || !producer->second.is_column || producer->second.rows != fused.rows) continue;
        if (producer->second.level <= latest) continue;
        latest = producer->second.level;
        fused.is_column = true;
        fused.columns = producer->second.columns;
      }
    }
    int level = 0;
    for (const ValueId input : node.inputs) {
      Location operand = broadcast(input, space);
      const auto producer = fused_.find(operand.base);
      if (producer != fused_.end() && same_space(producer->second, fused) &&
          identity(producer->second, operand.view, fused)) {
        level = std::max(level, level_of(operand.base));
        continue;
      }
      if (!column_step(operand.view).has_value()) {
        materialise(input);
        operand = broadcast(input, space);
      }
      level = std::max(level, level_of(operand.base) + 1);
    }
    for (const ValueId input : node.inputs) fused.operands.push_back(broadcast(input, space));
    levels_[value] = level;
    fused.level = level;
    locations_[value] = {value, View::contiguous(node.shape)};
    fused_[value] = std::move(fused);
  }

  void locate_step(ValueId value, const Node& node) {
    Step step{};
    step.out = value;
    step.node = static_cast<int>(node_index(value));
    step.element_bytes = type_size(node.type);
    switch (node.op) {
      case Operator::kDot:
        step.kind = node.type == Type::kF32 ? Step::Kind::kDot : Step::Kind::kIntegerDot;
        break;
      case Operator::kSum:
      case Operator::kMax:
        step.kind = Step::Kind::kReduce;
        if (!reducible(locations_[node.inputs[0]].view, static_cast<int>(node.attributes[0]))) {
          materialise(node.inputs[0]);
        }
        break;
      case Operator::kPad:
        step.kind = Step::Kind::kPad;
        break;
      case Operator::kConcat:
        step.kind = Step::Kind::kConcat;
        step.along = static_cast<int>(node.attributes[0]);
        break;
      case Operator::kGather:
      case Operator::kScatterAdd:
        step.kind = node.op == Operator::kGather ? Step::Kind::kGather : Step::Kind::kScatterAdd;
        break;
      case Operator::kToI32:
        step.kind = Step::Kind::kConvert;
        break;
      case Operator::kIota:
        step.kind = Step::Kind::kIota;
        break;
      default:
        step.kind = Step::Kind::kRandom;
        break;
    }
    if (step.kind == Step::Kind::kGather || step.kind == Step::Kind::kScatterAdd || step.kind == Step::Kind::kConvert ||
        step.kind == Step::Kind::kRandom) {
      for (const ValueId input : node.inputs) {
        if (!locations_[input].view.is_contiguous()) materialise(input);
      }
    }
    if (step.kind == Step::Kind::kDot && packs_badly(node)) materialise(node.inputs[1]);
    for (const ValueId input : node.inputs) step.operands.push_back(locations_[input]);
    if (step.kind == Step::Kind::kPad) merge_pads(step, node);
    locations_[value] = {value, View::contiguous(node.shape)};
    emit(std::move(step));
  }

  // Whether the second operand of a product, as the weight of a convolution that lies as [outputs, inputs, taps], has
  // neither its rows nor its depth in runs: it is packed again for every piece of the first one's rows, element by
  // element, unless it is brought into order once.
  bool packs_badly(const Node& node) const {
    constexpr std::int64_t kFewRows = 256;
    const Shape& a = graph_.shape(node.inputs[0]);
    if (a[a.rank() - 2] < kFewRows) return false;
    const View& view = locations_[node.inputs[1]].view;
    const int rank = view.rank();
    const auto strided = [](const std::vector<Factor>& axis) {
      return !axis.empty() && (axis.back().stride != 1 || axis.back().size < 4);
    };
    return strided(view.factors(rank - 1, rank)) && strided(view.factors(rank - 2, rank - 1));
  }

  // A pad of what was joined or padded just before is one step with that, which puts the parts in their places at once.
  // Slices of what is inside are slices of the whole then.
  void merge_pads(Step& step, const Node& node) {
    step.before.assign(static_cast<std::size_t>(node.shape.rank()), 0);
    step.before[static_cast<std::size_t>(node.attributes[0])] = node.attributes[1];
    const ValueId inside = node.inputs[0];
    if (pending_.empty() || pending_.back().out != inside || !only_sliced(inside, node)) return;
    const Step& last = pending_.back();
    if (last.kind != Step::Kind::kPad && last.kind != Step::Kind::kConcat) return;
    View view = View::contiguous(node.shape);
    for (int axis = 0; axis < node.shape.rank(); ++axis) {
      view = *view.slice(axis, step.before[static_cast<std::size_t>(axis)], graph_.shape(inside)[axis], 1);
    }
    std::map<ValueId, View> moved{{inside, view}};
    // What was put among zeros before, and then slices of all these.
    for (ValueId outer = inside; graph_.node(outer).op == Operator::kPad;) {
      const Node& pad = graph_.node(outer);
      const ValueId inner = pad.inputs[0];
      if (locations_[inner].base != inside) break;
      const int axis = static_cast<int>(pad.attributes[0]);
      moved[inner] = *moved.at(outer).slice(axis, pad.attributes[1], graph_.shape(inner)[axis], 1);
      outer = inner;
    }
    for (ValueId value = 0; value < step.out; ++value) {
      if (locations_[value].base != inside || moved.contains(value)) continue;
      const auto slice = apply_view(graph_.node(value), moved.at(graph_.node(value).inputs[0]));
      if (!slice.has_value()) return;
      moved[value] = *slice;
    }
    for (std::size_t axis = 0; axis < last.before.size(); ++axis) step.before[axis] += last.before[axis];
    step.operands = last.operands;
    step.along = last.along;
    levels_.erase(inside);
    pending_.pop_back();
    for (const auto& [value, within] : moved) locations_[value] = {step.out, within};
  }

  // Whether nothing looks at a value but the pad, and slices that no pass reads.
  bool only_sliced(ValueId value, const Node& pad) const {
    const auto reads = [&](const Node& node) { return std::ranges::find(node.inputs, value) != node.inputs.end(); };
    return std::ranges::all_of(
               graph_.nodes(),
               [&](const Node& node) { return &node == &pad || !reads(node) || node.op == Operator::kSlice; }) &&
           std::ranges::none_of(graph_.outputs(), [&](const GraphOutput& output) { return output.value == value; }) &&
           std::ranges::none_of(fused_, [&](const auto& fused) {
             return std::ranges::any_of(fused.second.operands, [&](const Location& o) { return o.base == value; });
           });
  }

  // Puts steps and fused passes into an order in which everything is made before it is read, close to the graph's.
  void order() {
    std::set<ValueId> needed;
    for (const Step& step : pending_) {
      for (const Location& operand : step.operands) needed.insert(operand.base);
    }
    for (const GraphOutput& output : graph_.outputs()) needed.insert(locations_[output.value].base);
    std::vector<FusedNode> nodes;
    for (auto& [value, fused] : fused_) nodes.push_back(fused);
    std::map<ValueId, int> latest;
    for (const Step& step : pending_) {
      for (const Location& operand : step.operands) {
        const int level = level_of(step.out) - 1;
        latest[operand.base] = std::min(latest.try_emplace(operand.base, level).first->second, level);
      }
    }
    raise_levels(nodes, latest);
    std::vector<Step> all = make_groups(graph_, nodes, needed);
    for (Step& step : pending_) {
      for (const Location& operand : step.operands) step.reads.push_back(operand.base);
      step.writes = {step.out};
      all.push_back(std::move(step));
    }
    std::map<ValueId, std::size_t> writer;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const ValueId value : all[i].writes) writer[value] = i;
    }
    // Depth first from the outputs would keep lifetimes short, but the graph's own order is as good and simpler: a step
    // is taken as soon as all it reads is there, the one with the smallest last value first.
    std::vector<std::set<std::size_t>> readers(all.size());
    std::vector<std::size_t> waiting(all.size(), 0);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::set<std::size_t> sources;
      for (const ValueId value : all[i].reads) {
        if (const auto found = writer.find(value); found != writer.end()) sources.insert(found->second);
      }
      waiting[i] = sources.size();
      for (const std::size_t source : sources) readers[source].insert(i);
    }
    const auto key = [&](std::size_t i) { return std::pair(sort_key(all[i]), i); };
    std::set<std::pair<ValueId, std::size_t>> ready;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (waiting[i] == 0) ready.insert(key(i));
    }
    while (!ready.empty()) {
      const std::size_t next = ready.begin()->second;
      ready.erase(ready.begin());
      for (const std::size_t reader : readers[next]) {
        if (--waiting[reader] == 0) ready.insert(key(reader));
      }
      body_.steps.push_back(std::move(all[next]));
    }
  }

  // A copy is made for a value that comes after it, so it sorts by what it reads.
  ValueId sort_key(const Step& step) const {
    ValueId key = 0;
    for (const ValueId value : step.writes) {
      if (value < graph_.values()) key = std::max(key, value);
    }
    if (key == 0) {
      for (const ValueId value : step.reads) key = std::max(key, value < graph_.values() ? value : 0);
    }
    return key;
  }

  // Gives the tiles of an integer product to the one pass that reads it, so that the product never reaches memory.
  void fuse_products() {
    std::vector<Step>& steps = body_.steps;
    std::map<ValueId, std::vector<std::size_t>> readers;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const ValueId value : steps[i].reads) readers[value].push_back(i);
    }
    for (const GraphOutput& output : graph_.outputs()) readers[locations_[output.value].base].push_back(steps.size());
    std::vector<bool> gone(steps.size(), false);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].kind != Step::Kind::kIntegerDot) continue;
      const std::vector<std::size_t>& all = readers[steps[i].out];
      if (all.size() != 1 || all[0] == steps.size() || !takes_tiles(steps[all[0]], steps[i])) continue;
      Step& pass = steps[all[0]];
      Step& product = steps[i];
      product.group = std::move(pass.group);
      product.group.of_product = true;
      product.group.flat = false;
      find_dequantising(product.group, product.out);
      for (const ValueId value : pass.reads) {
        if (value != product.out) product.reads.push_back(value);
      }
      if (product.rows != nullptr) {
        pass.writes.insert(pass.writes.end(), product.writes.begin(), product.writes.end());
        std::erase(pass.writes, product.out);
      }
      product.writes = std::move(pass.writes);
      pass = std::move(product);
      gone[i] = true;
    }
    std::vector<Step> left;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (!gone[i]) left.push_back(std::move(steps[i]));
    }
    steps = std::move(left);
  }

  // Whether the step is a pass that reads the product's rows and columns as its own.
  bool takes_tiles(const Step& pass, const Step& product) const {
    if (pass.kind != Step::Kind::kGroup) return false;
    const Shape& shape = graph_.shape(product.out);
    const std::int64_t columns = shape.back();
    const std::int64_t rows = shape.elements() / columns;
    const Group& group = pass.group;
    if (!reads_as_own(group, product.out, rows, columns)) return false;
    // What a streamed product makes beside its result is there for the tile's own rows.
    const bool in_time = std::ranges::all_of(group.externals, [&](const Group::External& external) {
      if (external.base == product.out || std::ranges::find(product.writes, external.base) == product.writes.end()) {
        return true;
      }
      return external.offset == 0 && external.step == 0 &&
             (rows == 1 || external.rows == std::vector<Factor>{{rows, 1}});
    });
    const Node& node = graph_.nodes()[static_cast<std::size_t>(product.node)];
    return in_time && (!has_columns(group) || whole_rows_fit(columns, graph_.shape(node.inputs[0]).back()));
  }

  // Gives every written value a place: an output's own memory where that can be, else the arena, by first fit of
  // lifetimes.
  base::Status place() {
    const auto& outputs = graph_.outputs();
    body_.output_sources.resize(outputs.size());
    body_.output_is_place.assign(outputs.size(), false);
    std::set<ValueId> written;
    for (const Step& step : body_.steps) written.insert(step.writes.begin(), step.writes.end());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Location& location = locations_[outputs[i].value];
      body_.output_sources[i] = location;
      Place& base = body_.places[location.base];
      // A reshape of the whole is as good as the whole.
      if (base.kind == Place::Kind::kNone && written.contains(location.base) && location.view.is_contiguous() &&
          shape_of(location.base).elements() == graph_.shape(outputs[i].value).elements()) {
        base = {Place::Kind::kOutput, i};
        body_.output_is_place[i] = true;
      }
    }
    std::map<ValueId, Lifetime> lifetimes;
    for (std::size_t i = 0; i < body_.steps.size(); ++i) {
      for (const ValueId value : body_.steps[i].writes) {
        if (body_.places[value].kind != Place::Kind::kNone) continue;
        const std::size_t bytes = static_cast<std::size_t>(shape_of(value).elements()) * type_size(type_of(value));
        lifetimes[value] = {value, i, i, (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment};
      }
      for (const ValueId value : body_.steps[i].reads) {
        if (const auto found = lifetimes.find(value); found != lifetimes.end()) found->second.last = i;
      }
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (const auto found = lifetimes.find(body_.output_sources[i].base); found != lifetimes.end()) {
        found->second.last = body_.steps.size();
      }
    }
    std::vector<Lifetime> by_size;
    for (const auto& [value, lifetime] : lifetimes) by_size.push_back(lifetime);
    std::ranges::stable_sort(by_size, std::greater{}, &Lifetime::bytes);
    ArenaPlaces arena(body_.steps.size());
    for (const Lifetime& lifetime : by_size) {
      STARLING_TRY(check_stop());
      const std::size_t offset = arena.first_fit(lifetime);
      // Machines of 32 bits have too few addresses for some graphs.
      if (offset > std::numeric_limits<std::size_t>::max() / 2 - lifetime.bytes) {
        return base::limit_error("its values take more memory than this machine has addresses");
      }
      body_.places[lifetime.value] = {Place::Kind::kArena, offset};
      body_.arena_bytes = std::max(body_.arena_bytes, offset + lifetime.bytes);
      arena.add(lifetime, offset);
    }
    return {};
  }

  // Finds the inputs that products can read packed.
  void find_packed() {
    body_.read_packed.assign(graph_.inputs().size(), true);
    const auto exclude = [&](ValueId value) {
      if (value < body_.read_packed.size()) body_.read_packed[value] = false;
    };
    for (const Location& source : body_.output_sources) exclude(source.base);
    for (const Step& step : body_.steps) {
      for (const ValueId value : step.reads) {
        if (value < body_.read_packed.size() && !reads_columns(step, value)) exclude(value);
      }
    }
  }

  // Whether the step is one product, or two that are streamed, and reads the input nowhere but as a second operand, a
  // whole matrix.
  bool reads_columns(const Step& step, ValueId value) const {
    if (step.kind != Step::Kind::kDot && step.kind != Step::Kind::kIntegerDot) return false;
    const auto reads = [&](const Group& group) {
      return std::ranges::any_of(group.externals, [&](const auto& external) { return external.base == value; });
    };
    if (reads(step.group) || !reads_columns_only(step, value)) return false;
    return step.rows == nullptr || (!reads(step.rows->pass.group) && reads_columns_only(step.rows->product, value));
  }

  // The same of one product's operands, if it reads the input at all.
  bool reads_columns_only(const Step& product, ValueId value) const {
    if (product.operands[0].base == value) return false;
    if (product.operands[1].base != value) return true;
    const Node& node = graph_.nodes()[static_cast<std::size_t>(product.node)];
    const Shape& shape = graph_.shape(value);
    const View& view = product.operands[1].view;
    return graph_.type(node.inputs[0]) != Type::kU8 && shape.rank() == 2 && graph_.shape(node.inputs[1]) == shape &&
           view.is_contiguous() && view.offset() == 0;
  }

  const Shape& shape_of(ValueId value) const {
    return value < graph_.values() ? graph_.shape(value) : extras_[value - graph_.values()].shape;
  }
  Type type_of(ValueId value) const {
    return value < graph_.values() ? graph_.type(value) : extras_[value - graph_.values()].type;
  }

  Plan::Body& body_;
  const Graph& graph_;
  const std::function<base::Status()>& stop_;
  std::vector<bool> constant_;
  std::map<ValueId, std::size_t> folded_;
  std::vector<Location> locations_;
  std::vector<Inferred> extras_;
  std::map<ValueId, int> levels_;
  std::map<ValueId, FusedNode> fused_;
  std::vector<Step> pending_;
};

}  // namespace

base::Result<Plan> Plan::make(Graph graph, const std::function<base::Status()>& stop) {
  auto body = std::make_shared<Body>();
  body->graph = std::move(graph);
  STARLING_TRY(Planner(*body, stop).run());
  Plan plan;
  plan.body_ = std::move(body);
  return plan;
}

const Graph& Plan::graph() const { return body_->graph; }

std::size_t Plan::scratch_bytes() const {
  return std::max(body_->arena_bytes, body_->constant_plan ? body_->constant_plan->scratch_bytes() : 0);
}

void Plan::forget_constants() const {
  const std::lock_guard lock(body_->constants_mutex);
  body_->constants.clear();
}

std::size_t Plan::constant_bytes() const {
  if (body_->constant_plan == nullptr) return 0;
  const Graph& made = body_->constant_plan->graph();
  std::size_t bytes = 0;
  for (const GraphOutput& output : made.outputs()) {
    bytes += static_cast<std::size_t>(made.shape(output.value).elements()) * type_size(made.type(output.value));
  }
  return bytes;
}

}  // namespace starling::exact
