#include "exact/cuda/binding.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "exact/cuda/device.h"
#include "exact/run_group.h"
#include "exact/run_step.h"

namespace starling::exact::cuda {
namespace {

constexpr std::int64_t kMostTeams = 1 << 20;

std::int64_t total(std::span<const Factor> factors) {
  std::int64_t product = 1;
  for (const Factor& factor : factors) product *= factor.size;
  return product;
}

Axis axis_of(std::int64_t size, std::int64_t stride) {
  Axis axis;
  axis.factors = 1;
  axis.size[0] = size;
  axis.stride[0] = stride;
  return axis;
}

// A part of a product's rows: either all batches, or rows of one.
struct Piece {
  std::int64_t batch, batches, row, rows;
};

// A value that has no memory but a tile in the workspace, whose first row is that of the piece.
struct Tile {
  ValueId value;
  std::byte* data;
};

class Binder {
 public:
  Binder(const Plan::Body& body, const Addresses& addresses, std::size_t piece_bytes, base::ThreadPool& pool)
      : body_(body),
        graph_(body.graph),
        addresses_(addresses),
        piece_bytes_(static_cast<std::int64_t>(piece_bytes)),
        context_{*available_kernels().back(), pool, body.graph, addresses.memory, {}, {}} {}

  Bound run() {
    describe(std::span<const float>(body_.scalars));
    for (const Step& step : body_.steps) {
      used_ = 0;
      add_step(step);
    }
    for (std::size_t i = 0; i < body_.output_sources.size(); ++i) {
      if (body_.output_is_place[i]) continue;
      const Location& source = body_.output_sources[i];
      const Shape& shape = graph_.shape(graph_.outputs()[i].value);
      copy(addresses_.outputs[i], View::contiguous(shape), source, type_size(graph_.type(graph_.outputs()[i].value)));
    }
    return std::move(bound_);
  }

 private:
  // --- memory

  // A copy of the items in the descriptors.
  template <class T>
  const T* describe(std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<std::byte>& bytes = bound_.descriptors;
    const std::size_t at = (bytes.size() + 15) / 16 * 16;
    bytes.resize(at + items.size_bytes());
    if (!items.empty()) std::memcpy(bytes.data() + at, items.data(), items.size_bytes());
    return reinterpret_cast<const T*>(addresses_.descriptors + at);
  }

  std::byte* take(std::int64_t bytes) {
    std::byte* const at = addresses_.workspace + used_;
    used_ += aligned(static_cast<std::size_t>(bytes));
    bound_.workspace_bytes = std::max(bound_.workspace_bytes, used_);
    return at;
  }

  std::byte* own_memory(ValueId value) const { return reinterpret_cast<std::byte*>(addresses_.memory[value]); }
  const std::byte* operand(const Step& step, std::size_t index, std::size_t element_bytes) const {
    const Location& location = step.operands[index];
    return own_memory(location.base) + location.view.offset() * static_cast<std::ptrdiff_t>(element_bytes);
  }
  const float* numbers(const Step& step, std::size_t index) const {
    return reinterpret_cast<const float*>(operand(step, index, sizeof(float)));
  }
  const Node& node_of(const Step& step) const { return graph_.nodes()[static_cast<std::size_t>(step.node)]; }

  // --- passes

  PassDescription describe_pass(const Group& group, std::span<const Tile> tiles) {
    const auto tile_of = [&](ValueId value) {
      const auto found = std::ranges::find(tiles, value, &Tile::value);
      return found == tiles.end() ? nullptr : found->data;
    };
    std::vector<PassExternal> externals;
    for (const Group::External& e : group.externals) {
      std::byte* const tile = tile_of(e.base);
      const bool linear = (group.columns == 1 || e.step == 1) &&
                          (group.rows == 1 ||
                           (e.rows.size() == 1 && e.rows[0].size == group.rows && e.rows[0].stride == group.columns));
      const std::byte* const data =
          tile != nullptr ? tile : own_memory(e.base) + e.offset * static_cast<std::ptrdiff_t>(type_size(e.type));
      externals.push_back({data, e.type, linear, tile != nullptr, e.step, describe(std::span<const Factor>(e.rows)),
                           static_cast<std::int32_t>(e.rows.size())});
    }
    std::vector<PassStore> stores;
    for (std::size_t i = 0; i < group.stores.size(); ++i) {
      std::byte* const tile = tile_of(group.stores[i]);
      stores.push_back({tile != nullptr ? tile : own_memory(group.stores[i]), group.store_type[i],
                        group.store_column[i], tile != nullptr});
    }
    std::vector<PassInstruction> instructions;
    const auto translated = [](const Instruction::Operand& operand) {
      static_assert(static_cast<int>(PassOperand::Kind::kStore) ==
                    static_cast<int>(Instruction::Operand::Kind::kStore));
      return PassOperand{static_cast<PassOperand::Kind>(operand.kind), operand.index};
    };
    for (const Instruction& from : group.instructions) {
      PassInstruction instruction{};
      instruction.op = from.op;
      instruction.operands = static_cast<std::uint8_t>(from.operands.size());
      instruction.is_column = from.is_column;
      instruction.narrowed = from.narrowed;
      for (std::size_t i = 0; i < from.operands.size(); ++i) instruction.operand[i] = translated(from.operands[i]);
      instruction.result = translated(from.result);
      instructions.push_back(instruction);
    }
    return {describe(std::span<const PassInstruction>(instructions)),
            describe(std::span<const PassExternal>(externals)),
            describe(std::span<const PassStore>(stores)),
            static_cast<std::int32_t>(instructions.size()),
            group.columns,
            group.half,
            describe_heads(group),
            0,
            0};
  }

  PassHeads describe_heads(const Group& group) const {
    if (!group.head_integers.has_value()) return {};
    const Group::HeadIntegers& heads = *group.head_integers;
    const auto number = [&](std::uint32_t external) {
      return reinterpret_cast<const float*>(own_memory(group.externals[external].base));
    };
    return {heads.factor.has_value() ? number(*heads.factor) : nullptr,
            number(heads.numbers[0]),
            number(heads.numbers[1]),
            number(heads.divisor),
            own_memory(group.stores[heads.values]),
            reinterpret_cast<float*>(own_memory(group.stores[heads.scale])),
            heads.rows,
            heads.batch,
            heads.row,
            heads.head};
  }

  // The slots that the instructions name: more than the group says where the CPU has one kernel for several of them.
  static std::uint32_t slots_of(const Group& group) {
    std::uint32_t count = 0;
    for (const Instruction& instruction : group.instructions) {
      if (instruction.result.kind == Instruction::Operand::Kind::kSlot) {
        count = std::max(count, instruction.result.index + 1);
      }
    }
    return count;
  }

  // On how many rows the pass works at a time: their intermediate values are in the workspace.
  std::int64_t teams_of(const Group& group, std::int64_t rows) const {
    const std::int64_t bytes = team_bytes(group);
    return std::clamp<std::int64_t>(piece_bytes_ / std::max<std::int64_t>(bytes, 1), 1, std::min(rows, kMostTeams));
  }
  static std::int64_t team_bytes(const Group& group) {
    return RowPass::floats_of(group.columns, slots_of(group), group.column_slots) *
           static_cast<std::int64_t>(sizeof(float));
  }
  static bool by_elements(const Group& group) {
    return !has_columns(group) && group.half == 0 && slots_of(group) <= ElementPass::kMostSlots;
  }
  std::byte* pass_workspace(const Group& group, std::int64_t rows) {
    return by_elements(group) ? nullptr : take(teams_of(group, rows) * team_bytes(group));
  }

  void add_pass(const Group& group, PassDescription pass, std::int64_t first_row, std::int64_t rows,
                std::int64_t tile_row, std::byte* workspace) {
    pass.first_row = first_row;
    pass.tile_row = tile_row;
    if (by_elements(group)) {
      bound_.works.emplace_back(ElementPass{pass, rows * group.columns});
      return;
    }
    const RowPass kernel{pass, slots_of(group),      group.column_slots, reinterpret_cast<float*>(workspace),
                         rows, teams_of(group, rows)};
    // One column may be read as a block and as a number of the row, by lanes that did not write it.
    bound_.works.emplace_back(ByRows<RowPass>{kernel, group.columns < kTeamLanes});
  }

  // --- products

  std::vector<Piece> pieces(std::int64_t batches, std::int64_t rows, std::int64_t row_bytes) const {
    // Whole tiles at least: rows that are not there cost as much.
    const std::int64_t most = std::max<std::int64_t>(piece_bytes_ / row_bytes / DotTiles::kTile, 1) * DotTiles::kTile;
    if (most / rows >= batches) return {{0, batches, 0, rows}};
    const std::int64_t step = std::min(rows, most);
    std::vector<Piece> list;
    for (std::int64_t batch = 0; batch < batches; ++batch) {
      for (std::int64_t row = 0; row < rows; row += step) {
        list.push_back({batch, 1, row, std::min(step, rows - row)});
      }
    }
    return list;
  }

  template <class Operand>
  static void choose_batch(Operand& operand, const Piece& piece) {
    if (piece.batches != 1) return;
    operand.data += offset_of(operand.batch, piece.batch);
    operand.batch = {};
  }

  // The piece's part of a product, its rows one after another to `out`; its first operand's from `made` if there is
  // that.
  void add_product(const Step& step, const Piece& piece, std::byte* out, const std::byte* made) {
    const bool whole = step.kind == Step::Kind::kDot;
    if (whole) {
      const DotProblem problem = dot_problem(context_, step);
      add_kernel<FloatDot>(problem, FloatDot{problem.a, problem.b, reinterpret_cast<float*>(out), {}, 0}, piece,
                           reinterpret_cast<const float*>(made));
    } else {
      const IntegerDotProblem problem = integer_problem(context_, step);
      add_kernel<IntegerDot>(
          problem, IntegerDot{problem.a, problem.b, problem.a_is_unsigned, reinterpret_cast<std::int32_t*>(out), {}, 0},
          piece, reinterpret_cast<const std::uint8_t*>(made));
    }
  }

  template <class Kernel, class Problem, class Element>
  void add_kernel(const Problem& problem, Kernel kernel, const Piece& piece, const Element* made) {
    kernel.tiles = {piece.batches, piece.row, piece.rows, problem.n, problem.k};
    choose_batch(kernel.b, piece);
    if (made != nullptr) {
      kernel.a = {made, axis_of(piece.batches, piece.rows * problem.k), axis_of(piece.rows, problem.k),
                  axis_of(problem.k, 1)};
      kernel.tiles.first_row = 0;
    } else {
      choose_batch(kernel.a, piece);
    }
    kernel.count = kernel.tiles.count();
    bound_.works.emplace_back(kernel);
  }

  // A product; before it, what makes its rows; after it, the pass that takes its result. The latter two by pieces.
  void add_products(const Step& step) {
    const Shape& shape = graph_.shape(step.out);
    const std::int64_t rows = shape[shape.rank() - 2];
    const std::int64_t columns = shape.back();
    const std::int64_t batches = shape.elements() / columns / rows;
    const RowSource* const source = step.rows.get();
    const bool fused = step.group.of_product;
    if (source == nullptr && !fused) return add_product(step, {0, batches, 0, rows}, own_memory(step.out), nullptr);

    constexpr std::int64_t kSumBytes = 4;
    const std::int64_t keys = source == nullptr ? 0 : graph_.shape(source->product.out).back();
    const auto made_bytes = source == nullptr ? 0 : static_cast<std::int64_t>(type_size(graph_.type(source->made)));
    const std::vector<Piece> list =
        pieces(batches, rows, keys * (kSumBytes + made_bytes) + (fused ? columns * kSumBytes : 0));
    const std::int64_t most = list.front().batches * list.front().rows;
    std::byte* const scores = source == nullptr ? nullptr : take(most * keys * kSumBytes);
    std::byte* const made = source == nullptr ? nullptr : take(most * keys * made_bytes);
    std::byte* const sums = fused ? take(most * columns * kSumBytes) : nullptr;
    PassDescription before{};
    PassDescription after{};
    std::byte* before_workspace = nullptr;
    std::byte* after_workspace = nullptr;
    if (source != nullptr) {
      before =
          describe_pass(source->pass.group, std::array{Tile{source->product.out, scores}, Tile{source->made, made}});
      before_workspace = pass_workspace(source->pass.group, most);
    }
    if (fused) {
      after = describe_pass(step.group, std::array{Tile{step.out, sums}});
      after_workspace = pass_workspace(step.group, most);
    }
    for (const Piece& piece : list) {
      const std::int64_t first = piece.batch * rows + piece.row;
      const std::int64_t count = piece.batches * piece.rows;
      if (source != nullptr) {
        add_product(source->product, piece, scores, nullptr);
        add_pass(source->pass.group, before, first, count, first, before_workspace);
      }
      add_product(step, piece, fused ? sums : own_memory(step.out) + first * columns * kSumBytes, made);
      if (fused) add_pass(step.group, after, first, count, first, after_workspace);
    }
  }

  // --- the rest

  void copy(std::byte* to, const View& target, const Location& from, std::size_t element_bytes) {
    const auto size = static_cast<std::ptrdiff_t>(element_bytes);
    copy_elements(to + target.offset() * size, target, own_memory(from.base) + from.view.offset() * size, from.view,
                  element_bytes);
  }

  void copy_elements(std::byte* to, const View& target, const std::byte* from, const View& source,
                     std::size_t element_bytes) {
    const std::vector<Factor> to_factors = target.factors();
    const std::vector<Factor> from_factors = source.factors();
    bound_.works.emplace_back(CopyElements{
        to, from, describe(std::span<const Factor>(to_factors)), static_cast<std::int32_t>(to_factors.size()),
        static_cast<std::int32_t>(from_factors.size()), describe(std::span<const Factor>(from_factors)),
        static_cast<std::int32_t>(element_bytes), total(to_factors)});
  }

  void add_clear(std::byte* to, std::size_t element_bytes, std::int64_t count) {
    bound_.works.emplace_back(Clear{to, static_cast<std::int32_t>(element_bytes), count});
  }

  void add_reduction(const Step& step) {
    const Node& node = node_of(step);
    const int axis = static_cast<int>(node.attributes[0]);
    const View& view = step.operands[0].view;
    const Type type = graph_.type(node.inputs[0]);
    const std::vector<Factor> outer = view.factors(0, axis);
    const std::vector<Factor> along = view.factors(axis, axis + 1);
    const std::vector<Factor> inner = view.factors(axis + 1, view.rank());
    const std::int64_t count = node.shape.elements();
    const Reduction kernel{operand(step, 0, type_size(type)),
                           type,
                           node.op == Operator::kSum,
                           describe(std::span<const Factor>(outer)),
                           static_cast<std::int32_t>(outer.size()),
                           describe(std::span<const Factor>(inner)),
                           static_cast<std::int32_t>(inner.size()),
                           total(inner),
                           along.empty() ? 0 : along[0].stride,
                           total(along),
                           own_memory(step.out),
                           count,
                           std::min(count, kMostTeams)};
    // Neighbours on threads read neighbours in memory.
    bound_.works.emplace_back(ByRows<Reduction>{kernel, kernel.width >= kTeamLanes});
  }

  void add_parts(const Step& step) {
    const Shape& shape = graph_.shape(step.out);
    if (step.kind == Step::Kind::kPad) add_clear(own_memory(step.out), step.element_bytes, shape.elements());
    const std::vector<View> places = places_of_parts(shape, step);
    for (std::size_t part = 0; part < places.size(); ++part) {
      copy(own_memory(step.out), places[part], step.operands[part], step.element_bytes);
    }
  }

  void add_gather(const Step& step) {
    const Node& node = node_of(step);
    const Shape& table = graph_.shape(node.inputs[0]);
    bound_.works.emplace_back(GatherRows{own_memory(step.out), operand(step, 0, step.element_bytes),
                                         reinterpret_cast<const std::int32_t*>(numbers(step, 1)), table[1], table[0],
                                         static_cast<std::int32_t>(step.element_bytes), node.shape.elements()});
  }

  void add_scatter(const Step& step) {
    const Node& node = node_of(step);
    const Shape& rows = graph_.shape(node.inputs[0]);
    add_clear(own_memory(step.out), sizeof(float), node.shape.elements());
    bound_.works.emplace_back(ScatterAddRows{addresses_.memory[step.out], numbers(step, 0),
                                             reinterpret_cast<const std::int32_t*>(numbers(step, 1)), rows[0],
                                             node.shape[0], rows[1]});
  }

  void add_random(const Step& step) {
    const Node& node = node_of(step);
    const std::int64_t elements = node.shape.elements();
    bound_.works.emplace_back(RandomNumbers{
        addresses_.memory[step.out], reinterpret_cast<const std::uint32_t*>(numbers(step, 0)),
        static_cast<std::uint32_t>(node.attributes[0]), node.op == Operator::kNormal, elements, (elements + 3) / 4});
  }

  void add_coordinates(const Step& step) {
    const Node& node = node_of(step);
    const int axis = static_cast<int>(node.attributes[0]);
    std::int64_t inner = 1;
    for (int i = axis + 1; i < node.shape.rank(); ++i) inner *= node.shape[i];
    bound_.works.emplace_back(Coordinates{addresses_.memory[step.out], inner, node.shape[axis], node.shape.elements()});
  }

  void add_step(const Step& step) {
    switch (step.kind) {
      case Step::Kind::kGroup: {
        const PassDescription pass = describe_pass(step.group, {});
        return add_pass(step.group, pass, 0, step.group.rows, 0, pass_workspace(step.group, step.group.rows));
      }
      case Step::Kind::kDot:
      case Step::Kind::kIntegerDot:
        return add_products(step);
      case Step::Kind::kReduce:
        return add_reduction(step);
      case Step::Kind::kCopy: {
        Shape shape;
        const View& view = step.operands[0].view;
        for (int axis = 0; axis < view.rank(); ++axis) shape.append(total(view.factors(axis, axis + 1)));
        return copy(own_memory(step.out), View::contiguous(shape), step.operands[0], step.element_bytes);
      }
      case Step::Kind::kPad:
      case Step::Kind::kConcat:
        return add_parts(step);
      case Step::Kind::kGather:
        return add_gather(step);
      case Step::Kind::kScatterAdd:
        return add_scatter(step);
      case Step::Kind::kConvert:
        bound_.works.emplace_back(RoundToI32{reinterpret_cast<std::int32_t*>(addresses_.memory[step.out]),
                                             numbers(step, 0), node_of(step).shape.elements()});
        return;
      case Step::Kind::kRandom:
        return add_random(step);
      case Step::Kind::kIota:
        return add_coordinates(step);
    }
  }

  const Plan::Body& body_;
  const Graph& graph_;
  const Addresses& addresses_;
  std::int64_t piece_bytes_;
  StepContext context_;
  std::size_t used_ = 0;
  Bound bound_{};
};

}  // namespace

Bound bind(const Plan::Body& body, const Addresses& addresses, std::size_t piece_bytes, base::ThreadPool& pool) {
  return Binder(body, addresses, piece_bytes, pool).run();
}

}  // namespace starling::exact::cuda
