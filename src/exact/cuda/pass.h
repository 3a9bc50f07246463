#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/cuda/lane.h"
#include "exact/cuda/team.h"
#include "exact/loops/elementwise.h"
#include "exact/operators.h"
#include "exact/view.h"

// A fused pass (Group in exact/plan_body.h), whose instructions the kernels below interpret.

namespace starling::exact::cuda {

STARLING_BOTH inline std::int64_t offset_of(const Factor* factors, int count, std::int64_t index) {
  std::int64_t offset = 0;
  for (int i = count - 1; i > 0; --i) {
    std::int64_t rest;
    if (index <= 0xffffffffLL && factors[i].size <= 0xffffffffLL) {  // GPUs take long over 64 bits
      const auto small = static_cast<std::uint32_t>(index);
      const auto size = static_cast<std::uint32_t>(factors[i].size);
      rest = small % size;
      index = small / size;
    } else {
      rest = index % factors[i].size;
      index /= factors[i].size;
    }
    offset += rest * factors[i].stride;
  }
  return count == 0 ? 0 : offset + index * factors[0].stride;
}

struct PassOperand {
  enum class Kind : std::uint8_t { kExternal, kSlot, kColumn, kStore };
  Kind kind;
  std::uint32_t index;
};

struct PassInstruction {
  Operator op;
  std::uint8_t operands;
  bool is_column;
  std::int32_t narrowed;  // the store that takes the result as integers, or -1
  PassOperand operand[3];
  PassOperand result;
};

// Element (row, column) is data[row * columns + column] where the operand is linear, else
// data[spread(row) + column * step]. A linear operand that is a tile begins with row tile_row of the pass.
struct PassExternal {
  const std::byte* data;
  Type type;
  bool is_linear;
  bool is_tile;
  std::int64_t step;
  const Factor* factors;
  std::int32_t count;
};

struct PassStore {
  std::byte* data;
  Type type;
  bool is_column;
  bool is_tile;
};

STARLING_BOTH inline float load_number(const std::byte* data, Type type, std::int64_t at) {
  switch (type) {
    case Type::kI32:
      return Lane::to_float(reinterpret_cast<const std::int32_t*>(data)[at]);
    case Type::kI8:
      return static_cast<float>(reinterpret_cast<const std::int8_t*>(data)[at]);
    case Type::kU8:
      return static_cast<float>(reinterpret_cast<const std::uint8_t*>(data)[at]);
    default:
      return reinterpret_cast<const float*>(data)[at];
  }
}

// An integer that the type has.
STARLING_BOTH inline void store_integer(std::byte* data, Type type, std::int64_t at, float value) {
  const auto integer = static_cast<std::int32_t>(value);
  if (type == Type::kI32) {
    reinterpret_cast<std::int32_t*>(data)[at] = integer;
  } else {
    reinterpret_cast<std::uint8_t*>(data)[at] = static_cast<std::uint8_t>(integer);
  }
}

STARLING_BOTH inline float apply(Operator op, float a, float b, float c) {
  using Operations = loops::Operations<Lane>;
  switch (op) {
    case Operator::kAdd:
      return Operations::Add::apply(a, b);
    case Operator::kSub:
      return Operations::Subtract::apply(a, b);
    case Operator::kMul:
      return Operations::Multiply::apply(a, b);
    case Operator::kDiv:
      return Operations::Divide::apply(a, b);
    case Operator::kMaximum:
      return Operations::Maximum::apply(a, b);
    case Operator::kMinimum:
      return Operations::Minimum::apply(a, b);
    case Operator::kLess:
      return Operations::Less::apply(a, b);
    case Operator::kFma:
      return Operations::FusedMultiplyAdd::apply(a, b, c);
    case Operator::kSelect:
      return Operations::Select::apply(a, b, c);
    case Operator::kNeg:
      return Operations::Negate::apply(a);
    case Operator::kAbs:
      return Operations::Absolute::apply(a);
    case Operator::kSqrt:
      return Operations::SquareRoot::apply(a);
    case Operator::kExp:
      return Operations::Exp::apply(a);
    case Operator::kLog:
      return Operations::Log::apply(a);
    case Operator::kSin:
      return Operations::Sin::apply(a);
    case Operator::kCos:
      return Operations::Cos::apply(a);
    case Operator::kTanh:
      return Operations::Tanh::apply(a);
    case Operator::kErf:
      return Operations::Erf::apply(a);
    case Operator::kToI8:
      return Operations::RoundI8::apply(a);
    case Operator::kToU8:
      return Operations::RoundU8::apply(a);
    default:
      return a;  // integers, as f32 already
  }
}

// How partial sums or maxima of floats join.
struct Joining {
  bool is_sum;
  STARLING_BOTH float start() const { return is_sum ? 0.0F : Lane::from_bits(static_cast<std::int32_t>(0xff800000U)); }
  STARLING_BOTH float operator()(float a, float b) const {
    return apply(is_sum ? Operator::kAdd : Operator::kMaximum, a, b, 0.0F);
  }
};

// Group::HeadIntegers, its numbers where they lie.
struct PassHeads {
  const float* factor;     // nullptr: they are not multiplied
  const float* numerator;  // nullptr: heads become no integers
  const float* otherwise;
  const float* divisor;
  std::byte* values;
  float* scale;
  std::int64_t rows, batch, row, head;
};

struct PassDescription {
  const PassInstruction* instructions;
  const PassExternal* externals;
  const PassStore* stores;
  std::int32_t count;  // of instructions
  std::int64_t columns;
  std::int64_t half;       // of a head whose pairs are turned, if the pass turns some
  PassHeads heads;         // if there is a numerator: what the pass makes of what it turned last
  std::int64_t first_row;  // of those to be run
  std::int64_t tile_row;
};

// A pass without reductions and turns, element by element: i counts them row by row from the first.
struct ElementPass {
  static constexpr std::uint32_t kMostSlots = 24;
  PassDescription pass;
  std::int64_t count;

  STARLING_BOTH void operator()(std::int64_t i) const {
    float slots[kMostSlots];
    const std::int64_t linear = pass.first_row * pass.columns + i;
    const std::int64_t tiled = linear - pass.tile_row * pass.columns;
    std::int64_t row = -1;
    std::int64_t column = 0;
    for (std::int32_t n = 0; n < pass.count; ++n) {
      const PassInstruction& instruction = pass.instructions[n];
      float numbers[3] = {};
      for (int k = 0; k < instruction.operands; ++k) {
        const PassOperand operand = instruction.operand[k];
        if (operand.kind == PassOperand::Kind::kSlot) {
          numbers[k] = slots[operand.index];
        } else if (operand.kind == PassOperand::Kind::kStore) {
          const PassStore& store = pass.stores[operand.index];
          numbers[k] = reinterpret_cast<const float*>(store.data)[store.is_tile ? tiled : linear];
        } else {
          const PassExternal& external = pass.externals[operand.index];
          std::int64_t at = external.is_tile ? tiled : linear;
          if (!external.is_linear) {
            if (row < 0) {
              row = linear / pass.columns;
              column = linear - row * pass.columns;
            }
            at = offset_of(external.factors, external.count, row) + column * external.step;
          }
          numbers[k] = load_number(external.data, external.type, at);
        }
      }
      const float value = apply(instruction.op, numbers[0], numbers[1], numbers[2]);
      if (instruction.result.kind == PassOperand::Kind::kSlot) {
        slots[instruction.result.index] = value;
      } else {
        const PassStore& store = pass.stores[instruction.result.index];
        reinterpret_cast<float*>(store.data)[store.is_tile ? tiled : linear] = value;
      }
      if (instruction.narrowed >= 0) {
        const PassStore& store = pass.stores[instruction.narrowed];
        store_integer(store.data, store.type, store.is_tile ? tiled : linear, value);
      }
    }
  }
};

// Any pass, row by row: a lane of the team has every 16th column, and every lane has the row's columns of one number.
// What a lane reads it has written itself, so teams meet in reductions only, and where pairs are turned.
struct RowPass {
  PassDescription pass;
  std::uint32_t slots;
  std::uint32_t column_slots;
  float* workspace;  // floats_of() for each team
  std::int64_t count;
  std::int64_t teams;

  static std::int64_t floats_of(std::int64_t columns, std::uint32_t slots, std::uint32_t column_slots) {
    return columns * slots + static_cast<std::int64_t>(column_slots) * kTeamLanes;
  }

  template <class Team>
  STARLING_BOTH void operator()(const Team& team, std::int64_t item, std::int64_t team_index) const {
    const std::int64_t row = pass.first_row + item;
    const std::int64_t columns = pass.columns;
    float* const rows = workspace + team_index * (columns * slots + column_slots * kTeamLanes);
    const At at{*this, row, rows, rows + columns * slots};
    for (std::int32_t n = 0; n < pass.count; ++n) {
      const PassInstruction& instruction = pass.instructions[n];
      if (instruction.op == Operator::kSum || instruction.op == Operator::kMax) {
        const Joining join{instruction.op == Operator::kSum};
        const auto part = [&](int lane) {
          const Source from = at.wide(instruction.operand[0], lane);
          float value = join.start();
          for (std::int64_t c = lane; c < columns; c += kTeamLanes) value = join(value, from.load(c));
          return value;
        };
        const float result = team.template fold<float>(part, join);
        team.each([&](int lane) { at.write_column(instruction, lane, result); });
      } else if (instruction.op == Operator::kConcat) {
        team.meet();
        team.each([&](int lane) { turn(at, instruction, lane); });
        team.meet();
        if (pass.heads.numerator != nullptr) quantise(team, at, instruction.result);
      } else if (instruction.is_column) {
        team.each([&](int lane) {
          float numbers[3] = {};
          for (int k = 0; k < instruction.operands; ++k) numbers[k] = at.narrow(instruction.operand[k], lane);
          at.write_column(instruction, lane, apply(instruction.op, numbers[0], numbers[1], numbers[2]));
        });
      } else {
        team.each([&](int lane) {
          Source from[3] = {};
          for (int k = 0; k < instruction.operands; ++k) from[k] = at.wide(instruction.operand[k], lane);
          for (std::int64_t c = lane; c < columns; c += kTeamLanes) {
            float numbers[3] = {};
            for (int k = 0; k < instruction.operands; ++k) numbers[k] = from[k].load(c);
            at.write(instruction, c, apply(instruction.op, numbers[0], numbers[1], numbers[2]));
          }
        });
      }
    }
  }

 private:
  struct Source {
    const std::byte* data;
    Type type;
    std::int64_t first;
    std::int64_t step;
    STARLING_BOTH float load(std::int64_t column) const { return load_number(data, type, first + column * step); }
  };

  struct At;

  // Neighbours of the row, by the angles of their place in the head, into its two halves.
  STARLING_BOTH void turn(const At& at, const PassInstruction& instruction, int lane) const {
    const Source pairs = at.wide(instruction.operand[0], lane);
    const Source cosines = at.wide(instruction.operand[1], lane);
    const Source sines = at.wide(instruction.operand[2], lane);
    for (std::int64_t c = lane; c < pass.columns; c += kTeamLanes) {
      const std::int64_t in_head = c % (2 * pass.half);
      const std::int64_t pair = in_head % pass.half;
      const float even = pairs.load(c - in_head + 2 * pair);
      const float odd = pairs.load(c - in_head + 2 * pair + 1);
      // Angles lie one after another, though they step by 0 for whoever reads whole rows.
      const float cosine = load_number(cosines.data, Type::kF32, cosines.first + pair);
      const float sine = load_number(sines.data, Type::kF32, sines.first + pair);
      const bool is_first = in_head < pass.half;
      const float left = apply(Operator::kMul, even, is_first ? cosine : sine, 0.0F);
      const float right = apply(Operator::kMul, odd, is_first ? sine : cosine, 0.0F);
      at.write(instruction, c, apply(is_first ? Operator::kSub : Operator::kAdd, left, right, 0.0F));
    }
  }

  // The heads of the row, which have been turned, as integers.
  template <class Team>
  STARLING_BOTH void quantise(const Team& team, const At& at, const PassOperand& turned) const {
    const PassHeads& to = pass.heads;
    const std::int64_t size = 2 * pass.half;
    const std::int64_t first = at.row / to.rows * to.batch + at.row % to.rows * to.row;
    const auto number = [&](const Source& from, std::int64_t column) {
      const float value = from.load(column);
      return to.factor == nullptr ? value : apply(Operator::kMul, value, *to.factor, 0.0F);
    };
    for (std::int64_t begin = 0; begin < pass.columns; begin += size) {
      const Joining join{false};
      const auto part = [&](int lane) {
        const Source from = at.wide(turned, lane);
        float greatest = 0.0F;
        for (std::int64_t c = lane; c < size; c += kTeamLanes) {
          greatest = join(greatest, apply(Operator::kAbs, number(from, begin + c), 0.0F, 0.0F));
        }
        return greatest;
      };
      const float greatest = team.template fold<float>(part, join);
      const float factor =
          apply(Operator::kSelect, greatest, apply(Operator::kDiv, *to.numerator, greatest, 0.0F), *to.otherwise);
      const std::int64_t place = first + begin / size * to.head;
      team.each([&](int lane) {
        const Source from = at.wide(turned, lane);
        for (std::int64_t c = lane; c < size; c += kTeamLanes) {
          const float product = apply(Operator::kMul, number(from, begin + c), factor, 0.0F);
          store_integer(to.values, Type::kI8, place * size + c, apply(Operator::kToI8, product, 0.0F, 0.0F));
        }
        to.scale[place] = apply(Operator::kDiv, greatest, *to.divisor, 0.0F);  // every lane writes the same
      });
    }
  }

  struct At {
    const RowPass& run;
    std::int64_t row;
    float* rows;
    float* numbers;

    STARLING_BOTH std::int64_t stored_row(bool is_tile) const { return is_tile ? row - run.pass.tile_row : row; }
    STARLING_BOTH float* number(std::uint32_t index, int lane) const { return numbers + index * kTeamLanes + lane; }

    STARLING_BOTH Source wide(const PassOperand& operand, int lane) const {
      const std::int64_t columns = run.pass.columns;
      if (operand.kind == PassOperand::Kind::kSlot) {
        return {reinterpret_cast<const std::byte*>(rows + operand.index * columns), Type::kF32, 0, 1};
      }
      if (operand.kind == PassOperand::Kind::kColumn) {
        return {reinterpret_cast<const std::byte*>(number(operand.index, lane)), Type::kF32, 0, 0};
      }
      if (operand.kind == PassOperand::Kind::kStore) {
        const PassStore& store = run.pass.stores[operand.index];
        const std::int64_t at = stored_row(store.is_tile);
        return {store.data, Type::kF32, store.is_column ? at : at * columns, store.is_column ? 0 : 1};
      }
      const PassExternal& external = run.pass.externals[operand.index];
      if (external.is_linear) return {external.data, external.type, stored_row(external.is_tile) * columns, 1};
      return {external.data, external.type, offset_of(external.factors, external.count, row), external.step};
    }

    // The operand of a column: the row's first or only number.
    STARLING_BOTH float narrow(const PassOperand& operand, int lane) const { return wide(operand, lane).load(0); }

    STARLING_BOTH void write_column(const PassInstruction& instruction, int lane, float value) const {
      if (instruction.result.kind == PassOperand::Kind::kColumn) {
        *number(instruction.result.index, lane) = value;
      } else {
        const PassStore& store = run.pass.stores[instruction.result.index];
        reinterpret_cast<float*>(store.data)[stored_row(store.is_tile)] = value;  // every lane writes the same
      }
      narrow_to(instruction, 0, value);
    }

    STARLING_BOTH void write(const PassInstruction& instruction, std::int64_t column, float value) const {
      const std::int64_t columns = run.pass.columns;
      if (instruction.result.kind == PassOperand::Kind::kSlot) {
        rows[instruction.result.index * columns + column] = value;
      } else {
        const PassStore& store = run.pass.stores[instruction.result.index];
        reinterpret_cast<float*>(store.data)[stored_row(store.is_tile) * columns + column] = value;
      }
      narrow_to(instruction, column, value);
    }

    STARLING_BOTH void narrow_to(const PassInstruction& instruction, std::int64_t column, float value) const {
      if (instruction.narrowed < 0) return;
      const PassStore& store = run.pass.stores[instruction.narrowed];
      const std::int64_t at = stored_row(store.is_tile);
      store_integer(store.data, store.type, store.is_column ? at : at * run.pass.columns + column, value);
    }
  };
};

}  // namespace starling::exact::cuda
