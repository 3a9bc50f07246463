#include "exact/run_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "exact/dot.h"
#include "exact/run_group.h"
#include "exact/run_stream.h"

namespace starling::exact {
namespace {

std::ptrdiff_t offset_of(std::span<const Factor> factors, std::int64_t index) {
  std::ptrdiff_t sum = 0;
  for (std::size_t i = factors.size(); i-- > 0;) {
    sum += static_cast<std::ptrdiff_t>(index % factors[i].size) * factors[i].stride;
    index /= factors[i].size;
  }
  return sum;
}

std::int64_t total(std::span<const Factor> factors) {
  std::int64_t product = 1;
  for (const Factor& factor : factors) product *= factor.size;
  return product;
}

// One loop over both sides of a copy.
struct CopyLoop {
  std::int64_t size;
  std::ptrdiff_t to;
  std::ptrdiff_t from;
};

std::vector<CopyLoop> copy_loops(const View& target, const View& source) {
  std::vector<CopyLoop> loops;
  for (int axis = 0; axis < target.rank(); ++axis) {
    const std::vector<Factor> to = target.factors(axis, axis + 1);
    if (to.empty()) continue;
    std::ptrdiff_t stride = to[0].stride * static_cast<std::ptrdiff_t>(to[0].size);
    for (const Factor& factor : source.factors(axis, axis + 1)) {
      stride /= static_cast<std::ptrdiff_t>(factor.size);
      if (!loops.empty() && loops.back().to == stride * static_cast<std::ptrdiff_t>(factor.size) &&
          loops.back().from == factor.stride * static_cast<std::ptrdiff_t>(factor.size)) {
        loops.back() = {loops.back().size * factor.size, stride, factor.stride};
      } else {
        loops.push_back({factor.size, stride, factor.stride});
      }
    }
  }
  return loops;
}

const float* operand(const StepContext& context, const Step& step, std::size_t index) {
  return context.memory[step.operands[index].base] + step.operands[index].view.offset();
}

// An operand of elements of `size` bytes.
const std::byte* bytes_of(const StepContext& context, const Step& step, std::size_t index, std::size_t size) {
  return reinterpret_cast<const std::byte*>(context.memory[step.operands[index].base]) +
         step.operands[index].view.offset() * static_cast<std::ptrdiff_t>(size);
}

// The second operand of a product where it is packed.
const PackedOperand* packed_operand(const StepContext& context, const Step& step) {
  const ValueId base = step.operands[1].base;
  return base < context.packed.size() ? context.packed[base] : nullptr;
}

// How far the operands of a step that pads or joins them reach along an axis, together.
std::int64_t parts_along(const Step& step, int axis) {
  std::int64_t sum = 0;
  for (const Location& part : step.operands) {
    const std::int64_t count = total(part.view.factors(axis, axis + 1));
    if (axis != step.along) return count;
    sum += count;
  }
  return sum;
}

}  // namespace

std::vector<View> places_of_parts(const Shape& shape, const Step& step) {
  View inside = View::contiguous(shape);
  for (int axis = 0; axis < static_cast<int>(step.before.size()); ++axis) {
    inside = *inside.slice(axis, step.before[static_cast<std::size_t>(axis)], parts_along(step, axis), 1);
  }
  std::vector<View> places;
  std::int64_t start = 0;
  for (const Location& part : step.operands) {
    const std::int64_t count = total(part.view.factors(step.along, step.along + 1));
    places.push_back(*inside.slice(step.along, start, count, 1));
    start += count;
  }
  return places;
}

DotProblem dot_problem(const StepContext& context, const Step& step) {
  const View& a = step.operands[0].view;
  const View& b = step.operands[1].view;
  const int rank = a.rank();
  const auto side = [rank](const float* data, const View& view) {
    return DotOperand{data, to_axis(view.factors(0, rank - 2)), to_axis(view.factors(rank - 2, rank - 1)),
                      to_axis(view.factors(rank - 1, rank))};
  };
  DotProblem problem{};
  problem.a = side(operand(context, step, 0), a);
  problem.b = side(operand(context, step, 1), b);
  problem.batch = total(a.factors(0, rank - 2));
  problem.m = total(a.factors(rank - 2, rank - 1));
  problem.n = total(b.factors(rank - 2, rank - 1));
  problem.k = total(a.factors(rank - 1, rank));
  const std::array<Factor, 1> batches{Factor{problem.batch, static_cast<std::ptrdiff_t>(problem.m * problem.n)}};
  const std::array<Factor, 1> rows{Factor{problem.m, static_cast<std::ptrdiff_t>(problem.n)}};
  problem.out = {context.memory[step.out], to_axis(batches), to_axis(rows)};
  if (const PackedOperand* packed = packed_operand(context, step)) {
    problem.packed_b = {packed->panels.data(), packed->type};
  }
  return problem;
}

IntegerDotProblem integer_problem(const StepContext& context, const Step& step) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const View& a = step.operands[0].view;
  const View& b = step.operands[1].view;
  const int rank = a.rank();
  const auto side = [&](std::size_t index, const View& view) {
    return IntegerOperand{reinterpret_cast<const std::uint8_t*>(bytes_of(context, step, index, 1)),
                          to_axis(view.factors(0, rank - 2)), to_axis(view.factors(rank - 2, rank - 1)),
                          to_axis(view.factors(rank - 1, rank))};
  };
  const PackedOperand* packed = packed_operand(context, step);
  return {side(0, a),
          side(1, b),
          context.graph.type(node.inputs[0]) == Type::kU8,
          total(a.factors(0, rank - 2)),
          total(a.factors(rank - 2, rank - 1)),
          total(b.factors(rank - 2, rank - 1)),
          total(a.factors(rank - 1, rank)),
          packed == nullptr ? nullptr : packed->panels.data()};
}

namespace {

void run_product(const StepContext& context, const Step& step) {
  run_dot(context.kernels, context.pool, dot_problem(context, step), context.workspaces);
}

// How a pass dequantises that does nothing else, if its operands are equally spaced.
std::optional<Dequantising> dequantising_of(const StepContext& context, const Group& group) {
  const Group::Dequantise& found = group.dequantise;
  if (found.instructions == 0 || found.instructions != group.instructions.size() || group.stores.size() != 1) return {};
  if (group.store_column[0] || group.instructions.back().narrowed >= 0) return {};
  const auto data = [&](std::uint32_t index) {
    return context.memory[group.externals[index].base] + group.externals[index].offset;
  };
  const auto repeats = [&](std::uint32_t index) {
    return std::ranges::all_of(group.externals[index].rows, [](const Factor& rows) { return rows.stride == 0; });
  };
  const std::vector<Factor>& rows = group.externals[found.row_scale].rows;
  if (rows.size() > 1 || !repeats(found.column_scale) || (found.bias && !repeats(*found.bias))) return {};
  return Dequantising{{},
                      data(found.row_scale),
                      rows.empty() ? 0 : rows[0].stride,
                      data(found.column_scale),
                      found.bias ? data(*found.bias) : nullptr};
}

// What is written for each element of a product, where that is one number of four bytes.
IntegerTarget target_of(const StepContext& context, const Step& step, const IntegerDotProblem& problem) {
  const Group& group = step.group;
  const auto pitch = static_cast<std::ptrdiff_t>(problem.n) * static_cast<std::ptrdiff_t>(sizeof(float));
  const auto at = [&](ValueId value, const std::optional<Dequantising>& by) {
    return IntegerTarget{reinterpret_cast<std::byte*>(context.memory[value]),
                         static_cast<std::ptrdiff_t>(problem.m) * pitch, pitch, by};
  };
  if (!group.of_product) return at(step.out, {});
  for (std::size_t i = 0; i < group.stores.size(); ++i) {
    if (!group.store_column[i] && type_size(group.store_type[i]) == sizeof(float)) {
      return at(group.stores[i], dequantising_of(context, group));
    }
  }
  return {};
}

void run_integer_product(const StepContext& context, const Step& step) {
  const IntegerDotProblem problem = integer_problem(context, step);
  const IntegerDotKernels& kernels = context.kernels.integer_dot;
  const IntegerSplit split = integer_split(context.kernels, context.graph, step, context.pool.threads());
  const IntegerTarget target = target_of(context, step, problem);
  if (step.group.of_product) {
    const auto fused = [&](const IntegerTile& tile) {
      const ProductTile part{step.out, tile.data, tile.stride, tile.batch * problem.m + tile.m0, tile.n0};
      run_group_on_tile(context.kernels, step.group, context.memory, context.scratch[tile.thread], part, tile.rows,
                        tile.columns);
    };
    return run_integer_dot(kernels, context.pool, problem, split, context.workspaces, target, fused);
  }
  auto* const out = reinterpret_cast<std::int32_t*>(context.memory[step.out]);
  const auto stored = [&](const IntegerTile& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::memcpy(out + (tile.batch * problem.m + tile.m0 + i) * problem.n + tile.n0, tile.data + i * tile.stride,
                  static_cast<std::size_t>(tile.columns) * sizeof(std::int32_t));
    }
  };
  run_integer_dot(kernels, context.pool, problem, split, context.workspaces, target, stored);
}

// Sums of i8 or u8, which no pass took.
void run_integer_sum(const StepContext& context, const Step& step, std::int32_t* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const int axis = static_cast<int>(node.attributes[0]);
  const bool is_signed = context.graph.type(node.inputs[0]) == Type::kI8;
  const View& view = step.operands[0].view;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes_of(context, step, 0, 1));
  const std::vector<Factor> outer = view.factors(0, axis);
  const std::vector<Factor> along = view.factors(axis, axis + 1);
  const std::vector<Factor> inner = view.factors(axis + 1, view.rank());
  const std::int64_t count = total(along);
  const std::int64_t width = total(inner);
  const std::ptrdiff_t stride = along.empty() ? 0 : along[0].stride;
  context.pool.run(static_cast<std::size_t>(node.shape.elements()), 16, [&](std::size_t begin, std::size_t end, int) {
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
      const std::uint8_t* from = data + offset_of(outer, i / width) + offset_of(inner, i % width);
      std::int32_t sum = 0;
      for (std::int64_t j = 0; j < count; ++j) {
        const std::uint8_t number = from[j * stride];
        sum += is_signed ? static_cast<std::int8_t>(number) : number;
      }
      out[i] = sum;
    }
  });
}

void run_reduction(const StepContext& context, const Step& step, float* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  if (node.type == Type::kI32) return run_integer_sum(context, step, reinterpret_cast<std::int32_t*>(out));
  const int axis = static_cast<int>(node.attributes[0]);
  const View& view = step.operands[0].view;
  const float* data = operand(context, step, 0);
  const std::vector<Factor> outer = view.factors(0, axis);
  const std::vector<Factor> along = view.factors(axis, axis + 1);
  const std::vector<Factor> inner = view.factors(axis + 1, view.rank());
  const auto count = static_cast<std::size_t>(total(along));
  const auto width = static_cast<std::size_t>(total(inner));
  const std::ptrdiff_t stride = along.empty() ? 0 : along[0].stride;
  const std::ptrdiff_t step_of_column = inner.empty() ? 0 : inner[0].stride;
  const bool sums = node.op == Operator::kSum;
  // Whole cache lines of columns for each thread.
  const std::size_t chunk = std::max<std::size_t>(16, (width / 8 + 15) / 16 * 16);
  const std::size_t chunks = (width + chunk - 1) / chunk;
  context.pool.run(static_cast<std::size_t>(total(outer)) * chunks, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t task = begin; task < end; ++task) {
      const auto row = static_cast<std::int64_t>(task / chunks);
      const std::size_t first = task % chunks * chunk;
      const std::size_t columns = std::min(chunk, width - first);
      const float* from = data + offset_of(outer, row) + static_cast<std::ptrdiff_t>(first) * step_of_column;
      float* to = out + row * static_cast<std::int64_t>(width) + static_cast<std::int64_t>(first);
      if (width == 1) {
        (sums ? context.kernels.row_sum : context.kernels.row_max)(to, {from, 0, stride}, 1, count);
      } else {
        (sums ? context.kernels.column_sum : context.kernels.column_max)(to, {from, stride, step_of_column}, count,
                                                                         columns);
      }
    }
  });
}

// Parts that follow each other along an axis, with zeros around them.
void run_parts(const StepContext& context, const Step& step, std::byte* out) {
  const std::size_t size = step.element_bytes;
  const Shape& shape = context.graph.shape(step.out);
  const std::vector<View> parts = places_of_parts(shape, step);
  const auto at = [&](const View& view) { return out + view.offset() * static_cast<std::ptrdiff_t>(size); };
  View inside = View::contiguous(shape);
  for (int axis = 0; axis < static_cast<int>(step.before.size()); ++axis) {
    const std::int64_t before = step.before[static_cast<std::size_t>(axis)];
    const std::int64_t count = parts_along(step, axis);
    const std::int64_t after = shape[axis] - before - count;
    constexpr float kZero = 0.0F;
    const auto clear = [&](std::int64_t first, std::int64_t of) {
      if (of == 0) return;
      const View target = *inside.slice(axis, first, of, 1);
      copy_view(context, at(target), target, reinterpret_cast<const std::byte*>(&kZero), target.repeating(), size);
    };
    clear(0, before);
    clear(before + count, after);
    inside = *inside.slice(axis, before, count, 1);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    copy_view(context, at(parts[i]), parts[i], bytes_of(context, step, i, size), step.operands[i].view, size);
  }
}

void run_gather(const StepContext& context, const Step& step, std::byte* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const Shape& table = context.graph.shape(node.inputs[0]);
  const auto row_bytes = static_cast<std::size_t>(table[1]) * step.element_bytes;
  const auto* index = reinterpret_cast<const std::int32_t*>(operand(context, step, 1));
  const std::byte* rows = bytes_of(context, step, 0, step.element_bytes);
  const auto count = static_cast<std::size_t>(node.shape.elements() / table[1]);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(std::clamp<std::int64_t>(index[i], 0, table[0] - 1));
    std::memcpy(out + i * row_bytes, rows + row * row_bytes, row_bytes);
  }
}

void run_scatter_add(const StepContext& context, const Step& step, float* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const Shape& rows = context.graph.shape(node.inputs[0]);
  const auto* index = reinterpret_cast<const std::int32_t*>(operand(context, step, 1));
  const float* from = operand(context, step, 0);
  std::memset(out, 0, static_cast<std::size_t>(node.shape.elements()) * sizeof(float));
  for (std::int64_t i = 0; i < rows[0]; ++i) {
    float* to = out + std::clamp<std::int64_t>(index[i], 0, node.shape[0] - 1) * rows[1];
    context.kernels.add(to, 0, {to, 0, 1}, {from + i * rows[1], 0, 1}, 1, static_cast<std::size_t>(rows[1]));
  }
}

void run_conversion(const StepContext& context, const Step& step, float* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const auto count = static_cast<std::size_t>(node.shape.elements());
  const float* from = operand(context, step, 0);
  auto* integers = reinterpret_cast<std::int32_t*>(out);
  for (std::size_t i = 0; i < count; ++i) {
    const float value = from[i];
    if (std::isnan(value)) {
      integers[i] = 0;
    } else if (value >= 2147483648.0F) {
      integers[i] = 2147483647;
    } else if (value <= -2147483648.0F) {
      integers[i] = -2147483647 - 1;
    } else {
      integers[i] = static_cast<std::int32_t>(std::rint(value));
    }
  }
}

void run_random(const StepContext& context, const Step& step, float* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const auto* words = reinterpret_cast<const std::uint32_t*>(operand(context, step, 0));
  const std::uint64_t key = words[0] | (static_cast<std::uint64_t>(words[1]) << 32);
  const auto stream = static_cast<std::uint32_t>(node.attributes[0]);
  const auto fill = node.op == Operator::kNormal ? context.kernels.normal : context.kernels.uniform;
  context.pool.run(static_cast<std::size_t>(node.shape.elements()), 4096, [&](std::size_t begin, std::size_t end, int) {
    fill(out + begin, key, stream, begin, end - begin);
  });
}

void run_iota(const StepContext& context, const Step& step, float* out) {
  const Node& node = context.graph.nodes()[static_cast<std::size_t>(step.node)];
  const int axis = static_cast<int>(node.attributes[0]);
  std::int64_t inner = 1;
  for (int i = axis + 1; i < node.shape.rank(); ++i) inner *= node.shape[i];
  for (std::int64_t i = 0; i < node.shape.elements(); ++i) {
    out[i] = static_cast<float>(i / inner % node.shape[axis]);
  }
}

// Copies along up to three loops, element by element: for runs too short for a kernel.
template <typename T>
void copy_elements(T* to, const T* from, std::span<const CopyLoop, 3> loops) {
  for (std::int64_t i = 0; i < loops[0].size; ++i) {
    for (std::int64_t j = 0; j < loops[1].size; ++j) {
      T* row = to + static_cast<std::ptrdiff_t>(i) * loops[0].to + static_cast<std::ptrdiff_t>(j) * loops[1].to;
      const T* source =
          from + static_cast<std::ptrdiff_t>(i) * loops[0].from + static_cast<std::ptrdiff_t>(j) * loops[1].from;
      for (std::int64_t k = 0; k < loops[2].size; ++k) {
        row[static_cast<std::ptrdiff_t>(k) * loops[2].to] = source[static_cast<std::ptrdiff_t>(k) * loops[2].from];
      }
    }
  }
}

// Copies rows of a plane, contiguous in the target; in the source, too, or one element each.
void copy_rows(const Kernels& kernels, float* to, const float* from, const CopyLoop& rows, const CopyLoop& columns,
               bool past_caches) {
  (past_caches ? kernels.copy_past : kernels.copy)(to, rows.to, {from, rows.from, columns.from},
                                                   static_cast<std::size_t>(rows.size),
                                                   static_cast<std::size_t>(columns.size));
}
void copy_rows(const Kernels&, std::uint8_t* to, const std::uint8_t* from, const CopyLoop& rows,
               const CopyLoop& columns, bool) {
  const auto count = static_cast<std::size_t>(columns.size);
  for (std::int64_t i = 0; i < rows.size; ++i) {
    const std::uint8_t* row = from + i * rows.from;
    if (columns.from == 0) {
      std::memset(to + i * rows.to, *row, count);
    } else {
      std::memcpy(to + i * rows.to, row, count);
    }
  }
}

template <typename T>
void copy_view_of(const StepContext& context, T* to, const View& target, const T* from, const View& source) {
  std::vector<CopyLoop> outer = copy_loops(target, source);
  std::array<CopyLoop, 3> inner{CopyLoop{1, 0, 0}, CopyLoop{1, 0, 0}, CopyLoop{1, 0, 0}};
  for (std::size_t i = 3; i-- > 0 && !outer.empty();) {
    inner[i] = outer.back();
    outer.pop_back();
  }
  // The innermost loops are one task's: of three the first whose steps are no more than a task is cut, so that every
  // thread has work.
  constexpr std::int64_t kTask = 16384;
  std::size_t at = 0;
  std::int64_t step = inner[1].size * inner[2].size;
  while (step > kTask) {
    outer.push_back(std::exchange(inner[at], {1, 0, 0}));
    step /= inner[++at].size;
  }
  std::vector<Factor> outer_to;
  std::vector<Factor> outer_from;
  std::int64_t count = 1;
  for (const CopyLoop& loop : outer) {
    outer_to.push_back({loop.size, loop.to});
    outer_from.push_back({loop.size, loop.from});
    count *= loop.size;
  }
  const std::int64_t cut = std::clamp<std::int64_t>(kTask / step, 1, inner[at].size);
  const std::int64_t cuts = (inner[at].size + cut - 1) / cut;
  const auto grain = static_cast<std::size_t>(std::max<std::int64_t>(1, kTask / (step * cut)));
  const CopyLoop& run = inner[2];
  const bool by_kernel = run.to == 1 && (run.from == 1 || run.from == 0) && run.size >= 16;
  const std::int64_t bytes = count * inner[at].size * step * static_cast<std::int64_t>(sizeof(T));
  const bool past_caches = by_kernel && bytes >= kPastCaches;
  context.pool.run(static_cast<std::size_t>(count * cuts), grain, [&](std::size_t begin, std::size_t end, int) {
    for (auto task = static_cast<std::int64_t>(begin); task < static_cast<std::int64_t>(end); ++task) {
      const std::int64_t first = task % cuts * cut;
      std::array<CopyLoop, 3> loops = inner;
      loops[at].size = std::min(cut, inner[at].size - first);
      T* task_to = to + offset_of(outer_to, task / cuts) + first * inner[at].to;
      const T* task_from = from + offset_of(outer_from, task / cuts) + first * inner[at].from;
      if (!by_kernel) {
        copy_elements(task_to, task_from, loops);
        continue;
      }
      for (std::int64_t i = 0; i < loops[0].size; ++i) {
        copy_rows(context.kernels, task_to + i * loops[0].to, task_from + i * loops[0].from, loops[1], loops[2],
                  past_caches);
      }
    }
    if (past_caches) context.kernels.settle();
  });
}

}  // namespace

void copy_view(const StepContext& context, std::byte* to, const View& target, const std::byte* from, const View& source,
               std::size_t element_bytes) {
  if (element_bytes == 1) {
    copy_view_of(context, reinterpret_cast<std::uint8_t*>(to), target, reinterpret_cast<const std::uint8_t*>(from),
                 source);
  } else {
    copy_view_of(context, reinterpret_cast<float*>(to), target, reinterpret_cast<const float*>(from), source);
  }
}

IntegerSplit integer_split(const Kernels& kernels, const Graph& graph, const Step& step, int threads) {
  const Node& node = graph.nodes()[static_cast<std::size_t>(step.node)];
  const Shape& a = graph.shape(node.inputs[0]);
  const std::int64_t n = node.shape.back();
  const std::int64_t m = a[a.rank() - 2];
  const bool whole_rows = step.group.of_product && has_columns(step.group);
  return split_integer_dot(kernels.integer_dot, node.shape.elements() / m / n, m, n, a.back(), whole_rows, threads);
}

void run_step(const StepContext& context, const Step& step) {
  float* out = step.kind == Step::Kind::kGroup ? nullptr : context.memory[step.out];
  auto* bytes = reinterpret_cast<std::byte*>(out);
  if (step.rows != nullptr) return run_streamed(context, step);
  switch (step.kind) {
    case Step::Kind::kGroup:
      return run_group(context.kernels, context.pool, step.group, context.memory, context.scratch);
    case Step::Kind::kDot:
      return run_product(context, step);
    case Step::Kind::kIntegerDot:
      return run_integer_product(context, step);
    case Step::Kind::kReduce:
      return run_reduction(context, step, out);
    case Step::Kind::kCopy: {
      const View& source = step.operands[0].view;
      Shape shape;
      for (int axis = 0; axis < source.rank(); ++axis) shape.append(total(source.factors(axis, axis + 1)));
      return copy_view(context, bytes, View::contiguous(shape), bytes_of(context, step, 0, step.element_bytes), source,
                       step.element_bytes);
    }
    case Step::Kind::kPad:
    case Step::Kind::kConcat:
      return run_parts(context, step, bytes);
    case Step::Kind::kGather:
      return run_gather(context, step, bytes);
    case Step::Kind::kScatterAdd:
      return run_scatter_add(context, step, out);
    case Step::Kind::kConvert:
      return run_conversion(context, step, out);
    case Step::Kind::kRandom:
      return run_random(context, step, out);
    case Step::Kind::kIota:
      return run_iota(context, step, out);
  }
}

}  // namespace starling::exact
