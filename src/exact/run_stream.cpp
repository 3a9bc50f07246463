#include "exact/run_stream.h"

#include <algorithm>

#include "exact/in_runs.h"
#include "exact/run_group.h"

namespace starling::exact {
namespace {

// Rows of a block of f32, for which both products pack their columns anew: many enough to pay for it.
constexpr std::int64_t kMostRows = 256;
constexpr std::int64_t kLeastRows = 64;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kPage = 4096;  // distance of addresses that meet the same lines of the first cache

std::int64_t parts(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }
std::size_t whole_lines(std::size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }
// A distance of rows of so many bytes.
std::size_t pitch_of(std::size_t bytes) {
  return whole_lines(bytes) + (whole_lines(bytes) % kPage == 0 ? kCacheLine : 0);
}

// keys are the columns of the first product and the depth of the second.
struct Sizes {
  std::int64_t batch, rows, keys, depth, columns;
};

Sizes sizes_of(const Graph& graph, const Step& step) {
  const auto node = [&](const Step& product) -> const Node& {
    return graph.nodes()[static_cast<std::size_t>(product.node)];
  };
  const Shape& out = graph.shape(step.out);
  const std::int64_t rows = out[out.rank() - 2];
  return {out.elements() / out.back() / rows, rows, graph.shape(step.rows->product.out).back(),
          graph.shape(node(step.rows->product).inputs[0]).back(), out.back()};
}

// Hands out parts of a workspace.
class Parts {
 public:
  std::size_t take(std::size_t bytes) {
    const std::size_t at = end_;
    end_ += whole_lines(bytes);
    return at;
  }
  std::size_t end() const { return end_; }

 private:
  std::size_t end_ = 0;
};

// --- products of integers

struct IntegerLayout {
  std::int64_t rows;  // of a block
  std::ptrdiff_t scores_stride;
  std::ptrdiff_t made_stride;
  std::ptrdiff_t result_stride;
  std::size_t keys, values, queries, start, scores, made, prepared, zeros, result, end;

  IntegerLayout(const IntegerDotKernels& kernels, const Sizes& s) {
    rows = kernels.tile_rows;
    const auto whole = [&](std::int64_t columns) {
      return parts(columns, kernels.panel_columns) * kernels.panel_columns;
    };
    const auto count = static_cast<std::size_t>(rows);
    Parts taken;
    scores_stride = static_cast<std::ptrdiff_t>(whole(s.keys));
    made_stride = static_cast<std::ptrdiff_t>(pitch_of(static_cast<std::size_t>(s.keys)));
    result_stride = static_cast<std::ptrdiff_t>(whole(s.columns));
    keys = taken.take(static_cast<std::size_t>(whole(s.keys)) * kernels.column_bytes(s.depth));
    values = taken.take(static_cast<std::size_t>(whole(s.columns)) * kernels.column_bytes(s.keys));
    queries = taken.take(count * kernels.row_bytes(s.depth));
    start = taken.take(count * sizeof(std::int32_t));
    scores = taken.take(count * static_cast<std::size_t>(scores_stride) * sizeof(std::int32_t));
    made = taken.take(count * static_cast<std::size_t>(made_stride));
    prepared = taken.take(count * kernels.row_bytes(s.keys));
    zeros = taken.take(count * sizeof(std::int32_t));
    result = taken.take(count * static_cast<std::size_t>(result_stride) * sizeof(std::int32_t));
    end = taken.end();
  }
};

Axis one_axis(std::int64_t size, std::ptrdiff_t stride) {
  Axis axis;
  axis.factors = 1;
  axis.size[0] = size;
  axis.stride[0] = stride;
  return axis;
}

class IntegerStream {
 public:
  IntegerStream(const StepContext& context, const Step& step)
      : context_(context),
        step_(step),
        kernels_(context.kernels.integer_dot),
        sizes_(sizes_of(context.graph, step)),
        layout_(kernels_, sizes_),
        first_(integer_problem(context, step.rows->product)),
        second_(integer_problem(context, step)) {}

  void run() {
    const std::int64_t blocks = parts(sizes_.rows, layout_.rows);
    const int threads = context_.pool.threads();
    // Neighbours of one batch pack its columns once, and so many let no thread wait long for another at the end.
    const std::int64_t wanted = threads == 1 ? 1 : std::int64_t{threads} * 16;
    const std::int64_t row_pieces = std::clamp<std::int64_t>(parts(wanted, sizes_.batch), 1, blocks);
    const std::int64_t piece_blocks = parts(blocks, row_pieces);
    context_.pool.run(static_cast<std::size_t>(sizes_.batch * row_pieces), 1,
                      [&](std::size_t begin, std::size_t end, int thread) {
                        in_runs(begin, end, row_pieces, [&](std::int64_t first, std::int64_t count) {
                          const std::int64_t block = first % row_pieces * piece_blocks;
                          run_piece(first / row_pieces, block, std::min(blocks, block + count * piece_blocks),
                                    static_cast<std::size_t>(thread));
                        });
                      });
  }

 private:
  void run_piece(std::int64_t batch, std::int64_t begin, std::int64_t end, std::size_t thread) const {
    if (begin >= end) return;
    auto* const memory = reinterpret_cast<std::uint8_t*>(context_.workspaces.data()) +
                         thread * (context_.workspaces.size() / static_cast<std::size_t>(context_.pool.threads()));
    if (first_.packed_b == nullptr) kernels_.pack_columns(first_, batch, 0, sizes_.keys, memory + layout_.keys);
    if (second_.packed_b == nullptr) kernels_.pack_columns(second_, batch, 0, sizes_.columns, memory + layout_.values);
    for (std::int64_t block = begin; block < end; ++block) run_block(batch, block * layout_.rows, memory, thread);
  }

  void run_block(std::int64_t batch, std::int64_t row, std::uint8_t* memory, std::size_t thread) const {
    const RowSource& source = *step_.rows;
    const std::int64_t rows = std::min(layout_.rows, sizes_.rows - row);
    const std::int64_t first_row = batch * sizes_.rows + row;
    float* const scratch = context_.scratch[thread];
    auto* const scores = reinterpret_cast<std::int32_t*>(memory + layout_.scores);
    const PreparedRows queries = kernels_.prepare_rows(first_, batch, row, row + rows, memory + layout_.queries,
                                                       reinterpret_cast<std::int32_t*>(memory + layout_.start));
    const std::uint8_t* keys = first_.packed_b == nullptr ? memory + layout_.keys : first_.packed_b;
    const std::uint8_t* values = second_.packed_b == nullptr ? memory + layout_.values : second_.packed_b;
    kernels_.multiply(queries, 0, rows, keys, parts(sizes_.keys, kernels_.panel_columns), scores, layout_.scores_stride,
                      {});
    auto* const made = memory + layout_.made;
    run_group_on_tile(context_.kernels, source.pass.group, context_.memory, scratch,
                      {source.product.out, scores, layout_.scores_stride, first_row, 0}, rows, sizes_.keys,
                      {source.made, reinterpret_cast<std::byte*>(made), layout_.made_stride, first_row});
    IntegerDotProblem weighted = second_;
    weighted.a = {made, {}, one_axis(rows, layout_.made_stride), one_axis(sizes_.keys, 1)};
    const PreparedRows prepared = kernels_.prepare_rows(weighted, 0, 0, rows, memory + layout_.prepared,
                                                        reinterpret_cast<std::int32_t*>(memory + layout_.zeros));
    auto* const result = reinterpret_cast<std::int32_t*>(memory + layout_.result);
    kernels_.multiply(prepared, 0, rows, values, parts(sizes_.columns, kernels_.panel_columns), result,
                      layout_.result_stride, {});
    if (step_.group.of_product) {
      run_group_on_tile(context_.kernels, step_.group, context_.memory, scratch,
                        {step_.out, result, layout_.result_stride, first_row, 0}, rows, sizes_.columns);
      return;
    }
    auto* const out = reinterpret_cast<std::int32_t*>(context_.memory[step_.out]) + first_row * sizes_.columns;
    for (std::int64_t r = 0; r < rows; ++r) {
      std::copy_n(result + r * layout_.result_stride, sizes_.columns, out + r * sizes_.columns);
    }
  }

  const StepContext& context_;
  const Step& step_;
  const IntegerDotKernels& kernels_;
  Sizes sizes_;
  IntegerLayout layout_;
  IntegerDotProblem first_;
  IntegerDotProblem second_;
};

// --- products of f32

struct FloatLayout {
  std::int64_t rows;
  std::ptrdiff_t stride;
  std::size_t scores, made, product, end;

  FloatLayout(const Kernels& kernels, const Sizes& s, int threads) {
    const std::int64_t wanted = threads == 1 ? 1 : std::int64_t{threads} * 3;
    rows = std::min(s.rows, std::clamp(parts(s.batch * s.rows, wanted), kLeastRows, kMostRows));
    stride = static_cast<std::ptrdiff_t>(pitch_of(static_cast<std::size_t>(s.keys) * sizeof(float)) / sizeof(float));
    Parts taken;
    const std::size_t block = static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride) * sizeof(float);
    scores = taken.take(block);
    made = taken.take(block);
    product = taken.take(kernels.dot_workspace_bytes());
    end = taken.end();
  }
};

// Rows of a product as those of blocks, all of which lie in the same memory.
Axis block_axis(std::int64_t rows, std::int64_t block, std::ptrdiff_t stride) {
  Axis axis;
  axis.factors = 2;
  axis.size[0] = parts(rows, block);
  axis.stride[0] = 0;
  axis.size[1] = block;
  axis.stride[1] = stride;
  return axis;
}

void run_floats(const StepContext& context, const Step& step) {
  const RowSource& source = *step.rows;
  const Sizes sizes = sizes_of(context.graph, step);
  const FloatLayout layout(context.kernels, sizes, context.pool.threads());
  const DotProblem first = dot_problem(context, source.product);
  const DotProblem second = dot_problem(context, step);
  const Axis rows = block_axis(sizes.rows, layout.rows, layout.stride);
  const std::int64_t blocks = parts(sizes.rows, layout.rows);
  const std::size_t bytes = context.workspaces.size() / static_cast<std::size_t>(context.pool.threads());
  const auto run_block = [&](std::int64_t batch, std::int64_t row, std::size_t thread) {
    std::byte* const memory = context.workspaces.data() + thread * bytes;
    auto* const scores = reinterpret_cast<float*>(memory + layout.scores);
    std::byte* const made = memory + layout.made;
    void* const workspace = memory + layout.product;
    const std::int64_t last = std::min(sizes.rows, row + layout.rows);
    DotProblem score = first;
    score.out = {scores, {}, rows};
    context.kernels.dot_block(score, batch, batch + 1, row, last, 0, sizes.keys, workspace);
    const std::int64_t first_row = batch * sizes.rows + row;
    run_group_on_tile(context.kernels, source.pass.group, context.memory, context.scratch[thread],
                      {source.product.out, scores, layout.stride, first_row, 0}, last - row, sizes.keys,
                      {source.made, made, layout.stride, first_row});
    DotProblem weighted = second;
    weighted.a = {reinterpret_cast<const float*>(made), {}, rows, one_axis(sizes.keys, 1)};
    context.kernels.dot_block(weighted, batch, batch + 1, row, last, 0, sizes.columns, workspace);
  };
  context.pool.run(static_cast<std::size_t>(sizes.batch * blocks), 1,
                   [&](std::size_t begin, std::size_t end, int thread) {
                     for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
                       run_block(i / blocks, i % blocks * layout.rows, static_cast<std::size_t>(thread));
                     }
                   });
}

}  // namespace

std::size_t streamed_workspace(const Kernels& kernels, const Graph& graph, const Step& step, int threads) {
  const Sizes sizes = sizes_of(graph, step);
  if (step.kind == Step::Kind::kDot) return FloatLayout(kernels, sizes, threads).end;
  return IntegerLayout(kernels.integer_dot, sizes).end;
}

void run_streamed(const StepContext& context, const Step& step) {
  if (step.kind == Step::Kind::kDot) return run_floats(context, step);
  IntegerStream(context, step).run();
}

}  // namespace starling::exact
