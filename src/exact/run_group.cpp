#include "exact/run_group.h"

#include <algorithm>
#include <array>

namespace starling::exact {
namespace {

using Operand = Instruction::Operand;

// Elements of a block: with a handful of live blocks a thread stays within its level-2 cache.
constexpr std::int64_t kBlockElements = 2048;

UnaryKernel unary_kernel(const Kernels& k, Operator op) {
  switch (op) {
    case Operator::kNeg:
      return k.neg;
    case Operator::kAbs:
      return k.abs;
    case Operator::kSqrt:
      return k.sqrt;
    case Operator::kExp:
      return k.exp;
    case Operator::kLog:
      return k.log;
    case Operator::kSin:
      return k.sin;
    case Operator::kCos:
      return k.cos;
    case Operator::kTanh:
      return k.tanh;
    case Operator::kErf:
      return k.erf;
    case Operator::kToI8:
      return k.round_i8;
    case Operator::kToU8:
      return k.round_u8;
    default:
      return k.copy;  // integers that were made in the pass, as f32
  }
}

BinaryKernel binary_kernel(const Kernels& k, Operator op, bool past_caches) {
  switch (op) {
    case Operator::kAdd:
      return past_caches ? k.add_past : k.add;
    case Operator::kSub:
      return past_caches ? k.sub_past : k.sub;
    case Operator::kMul:
      return past_caches ? k.mul_past : k.mul;
    case Operator::kDiv:
      return k.div;
    case Operator::kMaximum:
      return k.maximum;
    case Operator::kMinimum:
      return k.minimum;
    default:
      return k.less;
  }
}

TernaryKernel ternary_kernel(const Kernels& k, Operator op, bool past_caches) {
  if (op == Operator::kSelect) return k.select;
  return past_caches ? k.fma_past : k.fma;
}

// Columns of a block of a product's tile.
constexpr std::int64_t kTileColumns = 256;

// Rows of a block however long they are: where a kernel of rows is there to use them, and where nothing else is, so
// that a block needs no memory of its own.
constexpr std::int64_t kFewRows = 4;
constexpr std::int64_t kTurnedRows = 64;

// How a pass is cut: blocks of at most so many rows and columns.
struct Blocking {
  std::int64_t rows;
  std::int64_t columns;
};

Blocking blocking_of(const Group& group) {
  if (group.of_product) {
    // A pass that needs no memory of its own takes a tile as it comes.
    if (group.slots == 0 && !has_columns(group)) return {group.rows, group.columns};
    const std::int64_t columns = has_columns(group) ? group.columns : std::min(group.columns, kTileColumns);
    return {std::max<std::int64_t>(1, kBlockElements / columns), columns};
  }
  if (group.flat) return {1, std::min(group.rows * group.columns, kBlockElements)};
  if (!has_columns(group)) {
    const std::int64_t columns = std::min(group.columns, kBlockElements);
    return {std::min(kBlockElements / columns, group.rows), columns};
  }
  // Kernels and reductions of rows take several at once.
  const std::int64_t least = group.slots == 0 ? kTurnedRows : kFewRows;
  return {std::min(std::max(least, kBlockElements / group.columns), group.rows), group.columns};
}

// One block on one thread.
class Block {
 public:
  Block(const Kernels& kernels, const Group& group, std::span<float* const> memory, float* scratch, Blocking blocking,
        const ProductTile& tile = {}, const KeptRows& kept = {})
      : kernels_(kernels), group_(group), memory_(memory), blocking_(blocking), tile_(tile), kept_(kept) {
    slots_ = scratch;
    columns_ = scratch + static_cast<std::int64_t>(group.slots) * blocking.rows * blocking.columns;
  }

  // Rows [r0, r1) and columns [c0, c1): within r0..r1 every operand's rows are equally spaced.
  void run(std::int64_t r0, std::int64_t r1, std::int64_t c0, std::int64_t c1) {
    row_ = r0;
    rows_ = static_cast<std::size_t>(r1 - r0);
    column_ = c0;
    count_ = static_cast<std::size_t>(c1 - c0);
    if (group_.softmax.has_value()) return softmax(*group_.softmax);
    const std::size_t done = group_.dequantise.instructions;
    if (done != 0) dequantise(group_.instructions[done - 1].result);
    auto kernel = group_.row_kernels.begin();
    for (std::size_t i = done; i < group_.instructions.size(); ++i) {
      if (kernel != group_.row_kernels.end() && kernel->first == i) {
        run_rows(*kernel);
        i += kernel->count - 1;
        ++kernel;
        continue;
      }
      const Instruction& instruction = group_.instructions[i];
      if (instruction.op == Operator::kSum) {
        kernels_.row_sum(column_result(instruction.result), wide(instruction.operands[0]), rows_, count_);
      } else if (instruction.op == Operator::kMax) {
        kernels_.row_max(column_result(instruction.result), wide(instruction.operands[0]), rows_, count_);
      } else if (instruction.op == Operator::kConcat) {
        rotate(instruction);
      } else if (instruction.is_column) {
        // A column is contiguous: it is worked on as one row.
        if (is_widening(instruction)) {
          widen_column(instruction);
          continue;
        }
        std::array<RowsF32, 3> operands{};
        for (std::size_t i = 0; i < instruction.operands.size(); ++i) operands[i] = narrow(instruction.operands[i]);
        elementwise(instruction, column_result(instruction.result), 0, operands, 1, rows_);
      } else if (is_widening(instruction)) {
        std::ptrdiff_t stride = 0;
        float* out = wide_result(instruction.result, stride);
        const Elements from = external(instruction.operands[0].index);
        widen(out, stride, from, rows_, count_);
      } else {
        std::array<RowsF32, 3> operands{};
        for (std::size_t i = 0; i < instruction.operands.size(); ++i) operands[i] = wide(instruction.operands[i]);
        std::ptrdiff_t stride = 0;
        float* out = wide_result(instruction.result, stride);
        elementwise(instruction, out, stride, operands, rows_, count_);
      }
      if (instruction.narrowed >= 0) store_integers(instruction);
    }
  }

 private:
  // Elements of any type in memory; strides count elements.
  struct Elements {
    const std::byte* data;
    Type type;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t step;

    template <typename T>
    Rows<T> as() const {
      return {reinterpret_cast<const T*>(data), row_stride, step};
    }
  };

  bool is_widening(const Instruction& instruction) const {
    return instruction.operands[0].kind == Operand::Kind::kExternal &&
           group_.externals[instruction.operands[0].index].type != Type::kF32;
  }

  void widen(float* out, std::ptrdiff_t stride, const Elements& from, std::size_t rows, std::size_t columns) const {
    if (from.type == Type::kI8) {
      kernels_.widen_i8(out, stride, from.as<std::int8_t>(), rows, columns);
    } else if (from.type == Type::kU8) {
      kernels_.widen_u8(out, stride, from.as<std::uint8_t>(), rows, columns);
    } else {
      kernels_.widen_i32(out, stride, from.as<std::int32_t>(), rows, columns);
    }
  }

  void widen_column(const Instruction& instruction) const {
    Elements from = external(instruction.operands[0].index);
    from.step = from.row_stride;
    from.row_stride = 0;
    widen(column_result(instruction.result), 0, from, 1, rows_);
  }

  void dequantise(const Operand& result) const {
    const Group::Dequantise& found = group_.dequantise;
    const auto row_scale = external(found.row_scale).as<float>();
    std::ptrdiff_t stride = 0;
    float* out = wide_result(result, stride);
    kernels_.dequantise(
        out, stride,
        {external(found.sums).as<std::int32_t>(), row_scale.data, row_scale.row_stride,
         external(found.column_scale).as<float>().data, found.bias ? external(*found.bias).as<float>().data : nullptr},
        rows_, count_);
  }

  QuantisedRows integers(const Group::RowKernel::Integers& to, const RowsF32& rows) const {
    return {rows,
            number(to.numbers[0]),
            number(to.numbers[1]),
            reinterpret_cast<std::uint8_t*>(store_bytes(to.values)),
            store_stride(to.values),
            column_result(to.greatest),
            goes_past({Operand::Kind::kStore, to.values})};
  }

  void run_rows(const Group::RowKernel& found) const {
    using Kind = Group::RowKernel::Kind;
    const RowsF32 rows = wide(found.rows);
    const auto& numbers = found.numbers;
    const auto bent = [&](const std::optional<std::uint32_t>& by) {
      return by.has_value() ? external(*by).as<float>() : RowsF32{nullptr, 0, 1};
    };
    const auto normed = [&](const WrittenRows& out) {
      return NormedRows{
          rows, number(numbers[0]), number(numbers[1]), number(numbers[2]), bent(found.scale), bent(found.shift), out};
    };
    const bool layer = found.kind == Kind::kLayerNorm;
    if (found.kind == Kind::kQuantise) {
      kernels_.quantise(integers(*found.integers, rows), rows_, count_);
    } else if (found.integers.has_value()) {
      (layer ? kernels_.layer_norm_quantise : kernels_.rms_norm_quantise)(
          {normed({nullptr, 0}), integers(*found.integers, {})}, rows_, count_);
    } else if (found.kind == Kind::kShares) {
      kernels_.shares({rows, written(found.result)}, rows_, count_);
    } else if (found.kind == Kind::kGelu) {
      kernels_.gelu({rows, number(numbers[0]), number(numbers[1]), number(numbers[2]), written(found.result)}, rows_,
                    count_);
    } else if (found.turns) {
      const NormedHeads heads{normed(written(found.result)),
                              turned(group_.instructions[found.first + found.count - 1], {})};
      if (group_.head_integers.has_value()) {
        kernels_.rms_norm_rotate_quantise({heads, head_integers(*group_.head_integers)}, rows_, count_);
      } else {
        kernels_.rms_norm_rotate(heads, rows_, count_);
      }
    } else {
      (layer ? kernels_.layer_norm : kernels_.rms_norm)(normed(written(found.result)), rows_, count_);
    }
  }

  RotatedRows turned(const Instruction& instruction, const RowsF32& rows) const {
    const auto table = [&](std::size_t i) { return external(instruction.operands[i].index).as<float>(); };
    return {rows,
            table(1).data,
            table(2).data,
            table(1).row_stride,
            table(2).row_stride,
            static_cast<std::size_t>(group_.half),
            written(instruction.result)};
  }

  HeadIntegers head_integers(const Group::HeadIntegers& to) const {
    const std::int64_t first_head = column_ / (2 * group_.half);
    const std::int64_t place = row_ / to.rows * to.batch + row_ % to.rows * to.row + first_head * to.head;
    return {to.factor.has_value() ? number(*to.factor) : 1.0F,
            number(to.numbers[0]),
            number(to.numbers[1]),
            number(to.divisor),
            reinterpret_cast<std::uint8_t*>(memory_[group_.stores[to.values]]) + place * 2 * group_.half,
            memory_[group_.stores[to.scale]] + place,
            static_cast<std::ptrdiff_t>(to.row),
            static_cast<std::ptrdiff_t>(to.head),
            goes_past({Operand::Kind::kStore, to.values})};
  }

  void rotate(const Instruction& instruction) const {
    const RotatedRows rows = turned(instruction, wide(instruction.operands[0]));
    if (group_.head_integers.has_value()) {
      kernels_.rotate_quantise({rows, head_integers(*group_.head_integers)}, rows_, count_);
    } else {
      kernels_.rotate(rows, rows_, count_);
    }
  }

  void softmax(const Group::Softmax& found) const {
    const Group::Dequantise& logits = group_.dequantise;
    const auto row_scale = external(logits.row_scale).as<float>();
    auto* const sums = static_cast<std::int32_t*>(tile_.data) + (row_ - tile_.first_row) * tile_.stride;
    kernels_.softmax(
        {sums, tile_.stride, row_scale.data, row_scale.row_stride, external(logits.column_scale).as<float>().data,
         *external(found.factor).as<float>().data, reinterpret_cast<std::uint8_t*>(store_bytes(found.values)),
         store_stride(found.values), store(found.totals)},
        rows_, count_);
  }

  void store_integers(const Instruction& instruction) const {
    const auto index = static_cast<std::uint32_t>(instruction.narrowed);
    const bool column = group_.store_column[index];
    const RowsF32 from = column ? RowsF32{column_result(instruction.result), 0, 1} : wide(instruction.result);
    const std::size_t rows = column ? 1 : rows_;
    const std::size_t columns = column ? rows_ : count_;
    const std::ptrdiff_t stride = store_stride(index);
    if (group_.store_type[index] == Type::kI32) {
      kernels_.narrow_i32(reinterpret_cast<std::int32_t*>(store_bytes(index)), stride, from, rows, columns);
    } else {
      kernels_.narrow_8(reinterpret_cast<std::uint8_t*>(store_bytes(index)), stride, from, rows, columns);
    }
  }

  void elementwise(const Instruction& instruction, float* out, std::ptrdiff_t stride,
                   const std::array<RowsF32, 3>& operands, std::size_t rows, std::size_t columns) const {
    const bool past = goes_past(instruction.result);
    switch (instruction.operands.size()) {
      case 1:
        unary_kernel(kernels_, instruction.op)(out, stride, operands[0], rows, columns);
        break;
      case 2:
        binary_kernel(kernels_, instruction.op, past)(out, stride, operands[0], operands[1], rows, columns);
        break;
      default:
        ternary_kernel(kernels_, instruction.op, past)(out, stride, operands[0], operands[1], operands[2], rows,
                                                       columns);
    }
  }

  float* slot(std::uint32_t index) const {
    return slots_ + static_cast<std::int64_t>(index) * blocking_.rows * blocking_.columns;
  }
  float* column_slot(std::uint32_t index) const { return columns_ + static_cast<std::int64_t>(index) * blocking_.rows; }
  bool is_kept(std::uint32_t index) const { return kept_.data != nullptr && group_.stores[index] == kept_.value; }
  std::ptrdiff_t store_stride(std::uint32_t index) const {
    return is_kept(index) ? kept_.stride : static_cast<std::ptrdiff_t>(group_.columns);
  }
  std::byte* store_bytes(std::uint32_t index) const {
    if (is_kept(index)) {
      const std::int64_t place = (row_ - kept_.first_row) * kept_.stride + column_;
      return kept_.data + place * static_cast<std::int64_t>(type_size(group_.store_type[index]));
    }
    const std::int64_t at = group_.store_column[index] ? row_ : row_ * group_.columns + column_;
    return reinterpret_cast<std::byte*>(memory_[group_.stores[index]]) +
           at * static_cast<std::int64_t>(type_size(group_.store_type[index]));
  }
  float* store(std::uint32_t index) const { return reinterpret_cast<float*>(store_bytes(index)); }

  // The operand as rows × columns.
  RowsF32 wide(const Operand& operand) const {
    switch (operand.kind) {
      case Operand::Kind::kSlot:
        return {slot(operand.index), static_cast<std::ptrdiff_t>(blocking_.columns), 1};
      case Operand::Kind::kColumn:
        return {column_slot(operand.index), 1, 0};
      case Operand::Kind::kStore:
        if (group_.store_column[operand.index]) return {store(operand.index), 1, 0};
        return {store(operand.index), store_stride(operand.index), 1};
      default:
        return external(operand.index).as<float>();
    }
  }

  // The operand of a column, as one row.
  RowsF32 narrow(const Operand& operand) const {
    if (operand.kind == Operand::Kind::kExternal) {
      const auto rows = external(operand.index).as<float>();
      return {rows.data, 0, rows.row_stride};
    }
    // A block one column wide is a column, too.
    if (operand.kind == Operand::Kind::kSlot) return {slot(operand.index), 0, 1};
    return {operand.kind == Operand::Kind::kColumn ? column_slot(operand.index) : store(operand.index), 0, 1};
  }

  Elements external(std::uint32_t index) const {
    const Group::External& e = group_.externals[index];
    const auto at = [&](std::ptrdiff_t offset, std::ptrdiff_t row_stride, std::ptrdiff_t step) {
      const auto bytes = static_cast<std::ptrdiff_t>(type_size(e.type));
      return Elements{reinterpret_cast<const std::byte*>(memory_[e.base]) + offset * bytes, e.type, row_stride, step};
    };
    if (tile_.data != nullptr && e.base == tile_.value) {
      const auto* data = static_cast<const float*>(tile_.data) + (row_ - tile_.first_row) * tile_.stride +
                         (column_ - tile_.first_column);
      return {reinterpret_cast<const std::byte*>(data), e.type, tile_.stride, 1};
    }
    if (group_.flat) {
      const bool one_row = e.rows.empty() || e.rows[0].stride == 0;
      const bool one_number = group_.columns != 1 ? e.step == 0 : one_row && group_.rows != 1;
      return one_number ? at(e.offset, 0, 0) : at(e.offset + column_, 0, 1);
    }
    std::ptrdiff_t offset = e.offset + column_ * e.step;
    std::int64_t row = row_;
    for (std::size_t i = e.rows.size(); i-- > 0;) {
      offset += static_cast<std::ptrdiff_t>(row % e.rows[i].size) * e.rows[i].stride;
      row /= e.rows[i].size;
    }
    return at(offset, e.rows.empty() ? 0 : e.rows.back().stride, e.step);
  }

  float number(std::uint32_t index) const { return *external(index).as<float>().data; }

  bool goes_past(const Operand& result) const {
    return result.kind == Operand::Kind::kStore && !group_.store_past.empty() && group_.store_past[result.index];
  }
  WrittenRows written(const Operand& result) const {
    std::ptrdiff_t stride = 0;
    float* data = wide_result(result, stride);
    return {data, stride, goes_past(result)};
  }

  float* column_result(const Operand& result) const {
    return result.kind == Operand::Kind::kColumn ? column_slot(result.index) : store(result.index);
  }
  float* wide_result(const Operand& result, std::ptrdiff_t& stride) const {
    if (result.kind == Operand::Kind::kSlot) {
      stride = static_cast<std::ptrdiff_t>(blocking_.columns);
      return slot(result.index);
    }
    stride = store_stride(result.index);
    return store(result.index);
  }

  const Kernels& kernels_;
  const Group& group_;
  std::span<float* const> memory_;
  Blocking blocking_;
  float* slots_;
  float* columns_;
  ProductTile tile_;
  KeptRows kept_;
  std::int64_t row_ = 0;
  std::int64_t column_ = 0;
  std::size_t rows_ = 0;
  std::size_t count_ = 0;
};

// How many rows from `row` on all operands have equally spaced.
std::int64_t even_rows(const Group& group, std::int64_t row) {
  std::int64_t count = group.rows - row;
  if (group.head_integers.has_value()) count = group.head_integers->rows - row % group.head_integers->rows;
  for (const Group::External& external : group.externals) {
    if (external.rows.size() < 2) continue;
    const std::int64_t inner = external.rows.back().size;
    count = std::min(count, inner - row % inner);
  }
  return count;
}

}  // namespace

bool has_columns(const Group& group) {
  return std::ranges::any_of(group.instructions, [](const Instruction& i) { return i.is_column; });
}

std::size_t group_scratch(const Group& group) {
  const Blocking blocking = blocking_of(group);
  return static_cast<std::size_t>(blocking.rows * (blocking.columns * group.slots + group.column_slots)) + 16;
}

void run_group_on_tile(const Kernels& kernels, const Group& group, std::span<float* const> memory, float* scratch,
                       const ProductTile& tile, std::int64_t rows, std::int64_t columns, const KeptRows& kept) {
  const Blocking blocking = blocking_of(group);
  Block block(kernels, group, memory, scratch, blocking, tile, kept);
  const std::int64_t most = group.softmax.has_value() ? rows : blocking.rows;
  const std::int64_t last_row = tile.first_row + rows;
  const std::int64_t last_column = tile.first_column + columns;
  for (std::int64_t r = tile.first_row; r < last_row;) {
    const std::int64_t stop = std::min({r + most, last_row, r + even_rows(group, r)});
    for (std::int64_t c = tile.first_column; c < last_column; c += blocking.columns) {
      block.run(r, stop, c, std::min(c + blocking.columns, last_column));
    }
    r = stop;
  }
}

void run_group(const Kernels& kernels, base::ThreadPool& pool, const Group& group, std::span<float* const> memory,
               std::span<float* const> scratch) {
  const Blocking blocking = blocking_of(group);
  const bool past_caches = std::ranges::find(group.store_past, true) != group.store_past.end();
  if (group.flat) {
    const auto total = static_cast<std::size_t>(group.rows * group.columns);
    pool.run(total, static_cast<std::size_t>(4 * kBlockElements), [&](std::size_t begin, std::size_t end, int thread) {
      Block block(kernels, group, memory, scratch[static_cast<std::size_t>(thread)], blocking);
      for (auto c = static_cast<std::int64_t>(begin); c < static_cast<std::int64_t>(end); c += blocking.columns) {
        block.run(0, 1, c, std::min(c + blocking.columns, static_cast<std::int64_t>(end)));
      }
      if (past_caches) kernels.settle();
    });
    return;
  }
  const auto grain = static_cast<std::size_t>(
      std::max<std::int64_t>(1, 4 * kBlockElements / std::max<std::int64_t>(1, group.columns)));
  pool.run(static_cast<std::size_t>(group.rows), grain, [&](std::size_t begin, std::size_t end, int thread) {
    Block block(kernels, group, memory, scratch[static_cast<std::size_t>(thread)], blocking);
    for (auto r = static_cast<std::int64_t>(begin); r < static_cast<std::int64_t>(end);) {
      const std::int64_t stop = std::min({r + blocking.rows, static_cast<std::int64_t>(end), r + even_rows(group, r)});
      for (std::int64_t c = 0; c < group.columns; c += blocking.columns) {
        block.run(r, stop, c, std::min(c + blocking.columns, group.columns));
      }
      r = stop;
    }
    if (past_caches) kernels.settle();
  });
}

}  // namespace starling::exact
