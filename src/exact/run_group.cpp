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
    default:
      return k.erf;
  }
}

BinaryKernel binary_kernel(const Kernels& k, Operator op) {
  switch (op) {
    case Operator::kAdd:
      return k.add;
    case Operator::kSub:
      return k.sub;
    case Operator::kMul:
      return k.mul;
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

// How a pass is cut: blocks of at most so many rows and columns.
struct Blocking {
  std::int64_t rows;
  std::int64_t columns;
};

Blocking blocking_of(const Group& group) {
  if (group.flat) return {1, std::min(group.rows * group.columns, kBlockElements)};
  const bool cuttable = std::ranges::none_of(group.instructions, [](const Instruction& i) { return i.is_column; });
  const std::int64_t columns = cuttable ? std::min(group.columns, kBlockElements) : group.columns;
  return {std::min(std::max<std::int64_t>(1, kBlockElements / columns), group.rows), columns};
}

// One block on one thread.
class Block {
 public:
  Block(const Kernels& kernels, const Group& group, std::span<float* const> memory, float* scratch, Blocking blocking)
      : kernels_(kernels), group_(group), memory_(memory), blocking_(blocking) {
    slots_ = scratch;
    columns_ = scratch + static_cast<std::int64_t>(group.slots) * blocking.rows * blocking.columns;
  }

  // Rows [r0, r1) and columns [c0, c1): within r0..r1 every operand's rows are equally spaced.
  void run(std::int64_t r0, std::int64_t r1, std::int64_t c0, std::int64_t c1) {
    row_ = r0;
    rows_ = static_cast<std::size_t>(r1 - r0);
    column_ = c0;
    count_ = static_cast<std::size_t>(c1 - c0);
    for (const Instruction& instruction : group_.instructions) {
      if (instruction.op == Operator::kSum) {
        kernels_.row_sum(column_result(instruction.result), wide(instruction.operands[0]), rows_, count_);
      } else if (instruction.op == Operator::kMax) {
        kernels_.row_max(column_result(instruction.result), wide(instruction.operands[0]), rows_, count_);
      } else if (instruction.is_column) {
        // A column is contiguous: it is worked on as one row.
        std::array<RowsF32, 3> operands{};
        for (std::size_t i = 0; i < instruction.operands.size(); ++i) operands[i] = narrow(instruction.operands[i]);
        elementwise(instruction, column_result(instruction.result), 0, operands, 1, rows_);
      } else {
        std::array<RowsF32, 3> operands{};
        for (std::size_t i = 0; i < instruction.operands.size(); ++i) operands[i] = wide(instruction.operands[i]);
        std::ptrdiff_t stride = 0;
        float* out = wide_result(instruction.result, stride);
        elementwise(instruction, out, stride, operands, rows_, count_);
      }
    }
  }

 private:
  void elementwise(const Instruction& instruction, float* out, std::ptrdiff_t stride,
                   const std::array<RowsF32, 3>& operands, std::size_t rows, std::size_t columns) const {
    switch (instruction.operands.size()) {
      case 1:
        unary_kernel(kernels_, instruction.op)(out, stride, operands[0], rows, columns);
        break;
      case 2:
        binary_kernel(kernels_, instruction.op)(out, stride, operands[0], operands[1], rows, columns);
        break;
      default:
        (instruction.op == Operator::kFma ? kernels_.fma : kernels_.select)(out, stride, operands[0], operands[1],
                                                                            operands[2], rows, columns);
    }
  }

  float* slot(std::uint32_t index) const {
    return slots_ + static_cast<std::int64_t>(index) * blocking_.rows * blocking_.columns;
  }
  float* column_slot(std::uint32_t index) const { return columns_ + static_cast<std::int64_t>(index) * blocking_.rows; }
  float* store(std::uint32_t index) const {
    float* base = memory_[group_.stores[index]];
    return group_.store_column[index] ? base + row_ : base + row_ * group_.columns + column_;
  }

  // The operand as rows × columns.
  RowsF32 wide(const Operand& operand) const {
    switch (operand.kind) {
      case Operand::Kind::kSlot:
        return {slot(operand.index), static_cast<std::ptrdiff_t>(blocking_.columns), 1};
      case Operand::Kind::kColumn:
        return {column_slot(operand.index), 1, 0};
      case Operand::Kind::kStore:
        if (group_.store_column[operand.index]) return {store(operand.index), 1, 0};
        return {store(operand.index), static_cast<std::ptrdiff_t>(group_.columns), 1};
      default:
        return external(operand.index);
    }
  }

  // The operand of a column, as one row.
  RowsF32 narrow(const Operand& operand) const {
    if (operand.kind == Operand::Kind::kExternal) {
      const RowsF32 rows = external(operand.index);
      return {rows.data, 0, rows.row_stride};
    }
    // A block one column wide is a column, too.
    if (operand.kind == Operand::Kind::kSlot) return {slot(operand.index), 0, 1};
    return {operand.kind == Operand::Kind::kColumn ? column_slot(operand.index) : store(operand.index), 0, 1};
  }

  RowsF32 external(std::uint32_t index) const {
    const Group::External& e = group_.externals[index];
    const float* data = memory_[e.base] + e.offset;
    if (group_.flat) return e.step == 0 && group_.columns != 1 ? RowsF32{data, 0, 0} : flat_external(e, data);
    std::int64_t row = row_;
    for (std::size_t i = e.rows.size(); i-- > 0;) {
      data += static_cast<std::ptrdiff_t>(row % e.rows[i].size) * e.rows[i].stride;
      row /= e.rows[i].size;
    }
    return {data + column_ * e.step, e.rows.empty() ? 0 : e.rows.back().stride, e.step};
  }

  RowsF32 flat_external(const Group::External& e, const float* data) const {
    const bool one_number = group_.columns == 1 && (e.rows.empty() || e.rows[0].stride == 0);
    if (one_number && group_.rows != 1) return {data, 0, 0};
    return {data + column_, 0, 1};
  }

  float* column_result(const Operand& result) const {
    return result.kind == Operand::Kind::kColumn ? column_slot(result.index) : store(result.index);
  }
  float* wide_result(const Operand& result, std::ptrdiff_t& stride) const {
    if (result.kind == Operand::Kind::kSlot) {
      stride = static_cast<std::ptrdiff_t>(blocking_.columns);
      return slot(result.index);
    }
    stride = static_cast<std::ptrdiff_t>(group_.columns);
    return store(result.index);
  }

  const Kernels& kernels_;
  const Group& group_;
  std::span<float* const> memory_;
  Blocking blocking_;
  float* slots_;
  float* columns_;
  std::int64_t row_ = 0;
  std::int64_t column_ = 0;
  std::size_t rows_ = 0;
  std::size_t count_ = 0;
};

// How many rows from `row` on all operands have equally spaced.
std::int64_t even_rows(const Group& group, std::int64_t row) {
  std::int64_t count = group.rows - row;
  for (const Group::External& external : group.externals) {
    if (external.rows.size() < 2) continue;
    const std::int64_t inner = external.rows.back().size;
    count = std::min(count, inner - row % inner);
  }
  return count;
}

}  // namespace

std::size_t group_scratch(const Group& group) {
  const Blocking blocking = blocking_of(group);
  return static_cast<std::size_t>(blocking.rows * (blocking.columns * group.slots + group.column_slots)) + 16;
}

void run_group(const Kernels& kernels, base::ThreadPool& pool, const Group& group, std::span<float* const> memory,
               std::span<float* const> scratch) {
  const Blocking blocking = blocking_of(group);
  if (group.flat) {
    const auto total = static_cast<std::size_t>(group.rows * group.columns);
    pool.run(total, static_cast<std::size_t>(4 * kBlockElements), [&](std::size_t begin, std::size_t end, int thread) {
      Block block(kernels, group, memory, scratch[static_cast<std::size_t>(thread)], blocking);
      for (auto c = static_cast<std::int64_t>(begin); c < static_cast<std::int64_t>(end); c += blocking.columns) {
        block.run(0, 1, c, std::min(c + blocking.columns, static_cast<std::int64_t>(end)));
      }
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
  });
}

}  // namespace starling::exact
