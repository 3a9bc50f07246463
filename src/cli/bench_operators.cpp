#include "cli/bench_operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "base/interrupt.h"
#include "base/thread_pool.h"
#include "cli/bench_clock.h"
#include "cli/output.h"
#include "exact/engine.h"
#include "exact/kernels.h"
#include "exact/peaks.h"

namespace starling::cli {
namespace {

using exact::Builder;
using exact::Operator;
using exact::Shape;
using exact::Type;
using Value = Builder::Value;

constexpr int kLeastRounds = 5;
constexpr int kMostRounds = 60;
constexpr double kRoundSeconds = 0.5;  // of one operator, if it is that quick

// Median seconds of one run of the work; the first run is not counted.
base::Result<double> time_of(int threads, const std::function<base::Status()>& work) {
  std::vector<double> seconds;
  STARLING_TRY(work());
  const double begin = bench_clock(threads);
  for (int round = 0; round < kMostRounds; ++round) {
    if (round >= kLeastRounds && bench_clock(threads) - begin > kRoundSeconds) break;
    STARLING_TRY(base::check_interrupt());
    const double start = bench_clock(threads);
    STARLING_TRY(work());
    seconds.push_back(bench_clock(threads) - start);
  }
  return median(std::move(seconds));
}

// --- peaks

base::Result<double> loop_peak(base::ThreadPool& pool, const exact::PeakLoop& peak) {
  const auto threads = static_cast<std::size_t>(pool.threads());
  STARLING_ASSIGN(const double seconds, time_of(pool.threads(), [&]() -> base::Status {
                    pool.run(threads, 1, [&](std::size_t begin, std::size_t end, int) {
                      for (std::size_t i = begin; i < end; ++i) peak.run();
                    });
                    return {};
                  }));
  return peak.operations * pool.threads() / seconds;
}

base::Result<double> memory_peak(base::ThreadPool& pool) {
  constexpr std::int64_t kFloats = std::int64_t{1} << 25;  // 128 MiB to read and as many to write: beyond any cache
  constexpr std::size_t kGrain = 1 << 16;
  STARLING_ASSIGN(const exact::Tensor from, exact::Tensor::allocate(Type::kF32, {kFloats}));
  STARLING_ASSIGN(exact::Tensor to, exact::Tensor::allocate(Type::kF32, {kFloats}));
  const float* source = from.f32().data();
  float* target = to.f32().data();
  double best = 0.0;
  for (const bool past : {false, true}) {
    STARLING_ASSIGN(const double seconds, time_of(pool.threads(), [&]() -> base::Status {
                      pool.run(kFloats, kGrain, [&](std::size_t begin, std::size_t end, int) {
                        if (past) {
                          exact::copy_past_caches(target + begin, source + begin, end - begin);
                        } else {
                          std::copy(source + begin, source + end, target + begin);
                        }
                      });
                      return {};
                    }));
    best = std::max(best, 2.0 * static_cast<double>(from.byte_size()) / seconds);
  }
  return best;
}

// --- operators

// Operations of one element, as its definition in docs/exact.md counts them; loads, stores and what makes NaNs one are
// left out.
struct ElementCost {
  double mixed = 1.0;
  double divisions = 0.0;
};
ElementCost cost_of(Operator op) {
  switch (op) {
    case Operator::kDiv:
    case Operator::kSqrt:
      return {0, 1};
    case Operator::kExp:
      return {15, 0};
    case Operator::kLog:
    case Operator::kSin:
    case Operator::kCos:
      return {24, 0};
    case Operator::kTanh:
      return {28, 1};
    case Operator::kErf:
      return {34, 0};
    default:
      return {};
  }
}

void count_operations(const exact::Graph& graph, OperatorTime& row) {
  for (const exact::Node& node : graph.nodes()) {
    const auto elements = static_cast<double>(node.shape.elements());
    const exact::OperatorClass kind = exact::find_operator(node.op)->kind;
    if (node.op == Operator::kDot) {
      (node.type == Type::kF32 ? row.floats : row.integers) +=
          2.0 * elements * static_cast<double>(graph.shape(node.inputs[0]).back());
    } else if (node.op == Operator::kSum || node.op == Operator::kMax) {
      row.mixed += static_cast<double>(graph.shape(node.inputs[0]).elements());
    } else if (kind == exact::OperatorClass::kElementwise) {
      row.mixed += elements * cost_of(node.op).mixed;
      row.divisions += elements * cost_of(node.op).divisions;
    }
  }
}

struct Case {
  std::string name;
  std::string shape;
  std::function<std::vector<Value>(Builder&)> build;  // its results
};

exact::Tensor numbers(Type type, const Shape& shape) {
  exact::Tensor tensor(type, shape);
  std::uint32_t state = 1;
  const auto next = [&] {
    state = state * 1664525U + 1013904223U;
    return state >> 8;
  };
  if (type == Type::kF32) {
    for (float& value : tensor.f32()) value = static_cast<float>(next()) * 0x1p-22F - 2.0F;
  } else {
    for (std::uint8_t& value : tensor.u8()) value = static_cast<std::uint8_t>(next());
  }
  return tensor;
}

base::Result<OperatorTime> measure(const Case& one, exact::Engine& engine, const Peaks& peaks) {
  OperatorTime row;
  row.name = one.name;
  row.shape = one.shape;
  Builder builder;
  const std::vector<Value> results = one.build(builder);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Shape shape = builder.shape(results[i]);
    row.bytes += static_cast<double>(shape.elements()) * static_cast<double>(type_size(builder.type(results[i])));
    // Results stay inside, as in a model: only what leaves a call is looked through for what is not finite.
    Value corner = results[i];
    for (int axis = 0; axis < shape.rank(); ++axis) corner = builder.slice(corner, axis, shape[axis] - 1, 1);
    builder.output("y" + std::to_string(i), corner);
  }
  STARLING_ASSIGN(exact::Graph graph, builder.finish());
  count_operations(graph, row);
  std::vector<exact::Tensor> inputs;
  for (const exact::GraphInput& input : graph.inputs()) {
    inputs.push_back(numbers(input.type, input.shape));
    row.bytes += static_cast<double>(inputs.back().byte_size());
  }
  STARLING_ASSIGN(const exact::Plan plan, exact::Plan::make(std::move(graph)));
  row.arena_bytes = static_cast<double>(plan.scratch_bytes());
  std::vector<exact::Tensor> recycled;
  STARLING_ASSIGN(row.seconds, time_of(engine.threads(), [&]() -> base::Status {
                    STARLING_ASSIGN(recycled, engine.run(plan, inputs, &recycled));
                    return {};
                  }));
  row.memory_seconds = row.bytes / peaks.bytes;
  row.arithmetic_seconds = row.floats / peaks.floats + row.integers / peaks.integers +
                           std::max(row.mixed / peaks.mixed, row.divisions / peaks.divisions);
  row.limit = row.memory_seconds > row.arithmetic_seconds ? "memory" : "arithmetic";
  row.limit_seconds = std::max(row.memory_seconds, row.arithmetic_seconds);
  return row;
}

std::string text(std::initializer_list<std::int64_t> sizes) {
  std::string joined;
  for (const std::int64_t size : sizes) joined += (joined.empty() ? "" : "x") + std::to_string(size);
  return joined;
}

// The sizes of a transformer.
struct Sizes {
  std::int64_t batch, tokens, width, heads, hidden, context;
};

class Cases {
 public:
  explicit Cases(const Sizes& sizes)
      : s_(sizes), rows_{sizes.batch, sizes.tokens, sizes.width}, wide_{sizes.batch, sizes.tokens, sizes.hidden} {}

  std::vector<Case> all() const {
    std::vector<Case> cases;
    products(cases);
    rows(cases);
    attention(cases);
    return cases;
  }

 private:
  static Value real(Builder& b, const char* name, const Shape& shape) { return b.input(name, Type::kF32, shape); }
  static std::vector<Value> both(const Builder::Quantised& q) { return {q.values, q.scale}; }

  void products(std::vector<Case>& cases) const {
    const std::array<std::array<std::int64_t, 2>, 3> shapes{
        {{s_.width, s_.width}, {s_.hidden, s_.width}, {s_.width, s_.hidden}}};
    for (const auto& [n, k] : shapes) {
      const Shape in{s_.batch, s_.tokens, k};
      const std::string shape = text({s_.batch * s_.tokens, n, k});
      cases.push_back({"linear", shape, [=, n = n, k = k](Builder& b) -> std::vector<Value> {
                         return {b.linear(real(b, "x", in), real(b, "weight", {n, k}), real(b, "bias", {n}))};
                       }});
      cases.push_back({"linear, integers", shape, [=, n = n, k = k](Builder& b) -> std::vector<Value> {
                         const Builder::Quantised x{b.input("x", Type::kI8, in), real(b, "scale", {in[0], in[1], 1})};
                         return {b.quantised_linear(x, b.input("weight", Type::kI8, {n, k}),
                                                    real(b, "weight scale", {n}), real(b, "bias", {n}))};
                       }});
    }
    cases.push_back(
        {"linear, gelu, integers", text({s_.batch * s_.tokens, s_.hidden, s_.width}),
         [*this](Builder& b) -> std::vector<Value> {
           const Builder::Quantised x{b.input("x", Type::kI8, rows_), real(b, "scale", {s_.batch, s_.tokens, 1})};
           return {b.gelu_tanh(b.quantised_linear(x, b.input("weight", Type::kI8, {s_.hidden, s_.width}),
                                                  real(b, "weight scale", {s_.hidden}), real(b, "bias", {s_.hidden})))};
         }});
  }

  Value modulated(Builder& b) const {
    const Shape one{s_.batch, 1, s_.width};
    return b.fma(b.layer_norm(real(b, "x", rows_), 1e-6F), b.add(real(b, "scale", one), 1.0F), real(b, "shift", one));
  }

  // Heads first, of a projection x.
  Value rotated(Builder& b) const {
    const std::int64_t half = s_.width / s_.heads / 2;
    const Value normed = b.mul(b.rms_norm(real(b, "x", rows_), 1e-6F), real(b, "weight", {1, 1, s_.width}));
    const Value pairs = b.reshape(normed, {s_.batch, s_.tokens, s_.heads, half, 2});
    const Shape halves{s_.batch, s_.tokens, s_.heads, half};
    const Value even = b.reshape(b.slice(pairs, 4, 0, 1), halves);
    const Value odd = b.reshape(b.slice(pairs, 4, 1, 1), halves);
    const Value cosine = real(b, "cosine", {1, s_.tokens, 1, half});
    const Value sine = real(b, "sine", {1, s_.tokens, 1, half});
    const Value turned =
        b.concat({b.sub(b.mul(even, cosine), b.mul(odd, sine)), b.add(b.mul(even, sine), b.mul(odd, cosine))}, -1);
    return b.permute(turned, {0, 2, 1, 3});
  }

  void rows(std::vector<Case>& cases) const {
    const std::string narrow = text({s_.batch * s_.tokens, s_.width});
    const std::string wide = text({s_.batch * s_.tokens, s_.hidden});
    cases.push_back({"add", narrow, [*this](Builder& b) -> std::vector<Value> {
                       return {b.add(real(b, "x", rows_), real(b, "y", rows_))};
                     }});
    cases.push_back(
        {"gated residual", narrow, [*this](Builder& b) -> std::vector<Value> {
           return {b.fma(real(b, "y", rows_), real(b, "gate", {s_.batch, 1, s_.width}), real(b, "x", rows_))};
         }});
    cases.push_back({"norm, modulate", narrow, [*this](Builder& b) -> std::vector<Value> { return {modulated(b)}; }});
    cases.push_back(
        {"norm, modulate, quantise", narrow, [*this](Builder& b) { return both(b.quantize_rows(modulated(b))); }});
    cases.push_back({"quantise", narrow, [*this](Builder& b) { return both(b.quantize_rows(real(b, "x", rows_))); }});
    cases.push_back({"quantise", wide, [*this](Builder& b) { return both(b.quantize_rows(real(b, "x", wide_))); }});
    cases.push_back(
        {"gelu", wide, [*this](Builder& b) -> std::vector<Value> { return {b.gelu_tanh(real(b, "x", wide_))}; }});
    cases.push_back({"norm, rotate", narrow, [*this](Builder& b) -> std::vector<Value> { return {rotated(b)}; }});
    cases.push_back(
        {"norm, rotate, quantise", narrow, [*this](Builder& b) { return both(b.quantize_rows(rotated(b))); }});
    const Shape scores{s_.batch, s_.tokens, s_.tokens};
    cases.push_back({"softmax", text({s_.batch * s_.tokens, s_.tokens}),
                     [scores](Builder& b) -> std::vector<Value> { return {b.softmax(real(b, "x", scores))}; }});
  }

  void attention(std::vector<Case>& cases) const {
    const std::int64_t depth = s_.width / s_.heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(depth));
    for (const std::int64_t keys : {s_.tokens, s_.context}) {
      const Shape query{s_.batch, s_.heads, s_.tokens, depth};
      const Shape key{s_.batch, s_.heads, keys, depth};
      const std::string shape = text({s_.batch, s_.heads, s_.tokens, keys, depth});
      cases.push_back({"attention", shape, [=](Builder& b) -> std::vector<Value> {
                         const Value scores = b.dot(b.mul(real(b, "q", query), b.fill(scale)), real(b, "k", key));
                         return {b.dot(b.softmax(scores), b.transpose(real(b, "v", key)))};
                       }});
      cases.push_back(
          {"attention, integers", shape, [=](Builder& b) -> std::vector<Value> {
             return {b.quantised_attention(real(b, "q", query), real(b, "k", key), real(b, "v", key), scale, 1)};
           }});
    }
  }

  Sizes s_;
  Shape rows_;
  Shape wide_;
};

// A convolution of the decoder of Wan's autoencoder, in the part of a video of 256 × 256 that is decoded at once: so
// many frames, with those before them that the kernel reaches, of so many channels.
struct ConvolutionSizes {
  std::int64_t frames, rows, columns, inputs, outputs;
  std::array<std::int64_t, 3> kernel;
};
constexpr std::array<ConvolutionSizes, 5> kConvolutions{{{1, 32, 32, 384, 384, {3, 3, 3}},
                                                         {2, 64, 64, 384, 384, {3, 3, 3}},
                                                         {4, 128, 128, 192, 192, {3, 3, 3}},
                                                         {4, 256, 256, 192, 96, {1, 3, 3}},
                                                         {4, 256, 256, 96, 96, {3, 3, 3}}}};

// In f32, and of integers that somebody else quantised, with one scale for all of x.
void add_convolutions(std::vector<Case>& cases) {
  for (const ConvolutionSizes& s : kConvolutions) {
    const std::int64_t time = s.kernel[0];
    const std::int64_t high = s.kernel[1];
    const std::int64_t wide = s.kernel[2];
    const Shape in{1, s.frames + time - 1, s.rows, s.columns, s.inputs};
    const std::string shape = text({s.frames, s.rows, s.columns, s.inputs}) + ", " + text({time, high, wide}) + " to " +
                              std::to_string(s.outputs);
    const std::int64_t above = high / 2;
    const std::int64_t left = wide / 2;
    cases.push_back({"convolution", shape, [=, kernel = s.kernel](Builder& b) -> std::vector<Value> {
                       return {b.conv3d(b.input("x", Type::kF32, in),
                                        b.input("weight", Type::kF32, {s.outputs, s.inputs, time, high, wide}),
                                        b.input("bias", Type::kF32, {s.outputs}),
                                        {kernel, {1, 1, 1}, {{{0, 0}, {above, above}, {left, left}}}})};
                     }});
    cases.push_back({"convolution, integers", shape, [=, kernel = s.kernel](Builder& b) -> std::vector<Value> {
                       const std::int64_t depth = time * high * wide * s.inputs;
                       const Value x = b.pad(b.pad(b.input("x", Type::kI8, in), 2, above, above), 3, left, left);
                       const Value windows = b.reshape(b.patches(x, kernel, {1, 1, 1}), {-1, depth});
                       return {b.quantised_linear({windows, b.input("scale", Type::kF32, {1, 1})},
                                                  b.input("weight", Type::kI8, {s.outputs, depth}),
                                                  b.input("weight scale", Type::kF32, {s.outputs}),
                                                  b.input("bias", Type::kF32, {s.outputs}))};
                     }});
  }
}

constexpr Sizes kWan{1, 0, 1536, 12, 8960, 512};
constexpr Sizes kBundled{2, 80, 192, 6, 768, 32};  // with guidance

// What operators between products are meant to reach, where memory limits them.
constexpr double kShareOfMemory = 0.8;

double share(const OperatorTime& row) { return row.limit_seconds / row.seconds; }

}  // namespace

base::Result<Peaks> measure_peaks(int threads) {
  base::ThreadPool pool(threads);
  Peaks peaks;
  const char* forced = std::getenv("STARLING_BACKEND");
  const auto chosen = exact::choose_kernels(forced == nullptr ? "" : forced);
  const exact::Kernels& kernels = chosen.ok() ? **chosen : *exact::available_kernels().front();
  const exact::PeakLoop& floats = exact::own_peak(exact::float_peaks(), kernels.name);
  const exact::PeakLoop& integers = exact::own_peak(exact::integer_peaks(), kernels.integer_dot.name);
  peaks.float_instructions = floats.name;
  peaks.integer_instructions = integers.name;
  STARLING_ASSIGN(peaks.floats, loop_peak(pool, floats));
  STARLING_ASSIGN(peaks.integers, loop_peak(pool, integers));
  STARLING_ASSIGN(peaks.mixed, loop_peak(pool, exact::own_peak(exact::mixed_peaks(), kernels.name)));
  STARLING_ASSIGN(peaks.divisions, loop_peak(pool, exact::own_peak(exact::division_peaks(), kernels.name)));
  STARLING_ASSIGN(peaks.bytes, memory_peak(pool));
  return peaks;
}

base::Result<OperatorBench> bench_operators(int threads, const std::string& only) {
  std::vector<Sizes> sizes{kBundled};
  for (const std::int64_t tokens : {1280, 4680}) {
    sizes.push_back(kWan);
    sizes.back().tokens = tokens;
  }
  std::vector<Case> chosen;
  for (const Sizes& model : sizes) {
    const std::vector<Case> more = Cases(model).all();
    chosen.insert(chosen.end(), more.begin(), more.end());
  }
  add_convolutions(chosen);
  std::erase_if(chosen, [&](const Case& one) {
    return one.name.find(only) == std::string::npos && one.shape.find(only) == std::string::npos;
  });
  if (chosen.empty()) {
    return base::invalid("--only: no operator's name or shape contains \"" + only + "\"; try softmax, or 4680.");
  }
  OperatorBench bench;
  STARLING_ASSIGN(exact::Engine engine, exact::Engine::create({.backend = {}, .threads = threads}));
  bench.threads = engine.threads();
  STARLING_ASSIGN(bench.peaks, measure_peaks(threads));
  for (const Case& one : chosen) {
    STARLING_ASSIGN(OperatorTime row, measure(one, engine, bench.peaks));
    bench.operators.push_back(std::move(row));
  }
  return bench;
}

base::Json to_json(const OperatorBench& bench) {
  base::Json peaks = base::Json::empty_object();
  peaks.set("bytes_per_second", bench.peaks.bytes);
  peaks.set("f32_operations_per_second", bench.peaks.floats);
  peaks.set("integer_operations_per_second", bench.peaks.integers);
  peaks.set("mixed_operations_per_second", bench.peaks.mixed);
  peaks.set("divisions_per_second", bench.peaks.divisions);
  peaks.set("f32_instructions", bench.peaks.float_instructions);
  peaks.set("integer_instructions", bench.peaks.integer_instructions);
  base::Json operators = base::Json::empty_array();
  for (const OperatorTime& row : bench.operators) {
    base::Json json = base::Json::empty_object();
    json.set("name", row.name);
    json.set("shape", row.shape);
    json.set("seconds", row.seconds);
    json.set("bytes", static_cast<std::uint64_t>(row.bytes));
    json.set("f32_operations", static_cast<std::uint64_t>(row.floats));
    json.set("integer_operations", static_cast<std::uint64_t>(row.integers));
    json.set("mixed_operations", static_cast<std::uint64_t>(row.mixed));
    json.set("divisions", static_cast<std::uint64_t>(row.divisions));
    json.set("memory_seconds", row.memory_seconds);
    json.set("arithmetic_seconds", row.arithmetic_seconds);
    json.set("limit", row.limit);
    json.set("limit_seconds", row.limit_seconds);
    json.set("share", share(row));
    const bool by_memory = row.limit == "memory" && row.floats + row.integers == 0.0;
    json.set("target", by_memory ? base::Json(kShareOfMemory) : base::Json());
    json.set("arena_bytes", static_cast<std::uint64_t>(row.arena_bytes));
    operators.push(std::move(json));
  }
  base::Json json = base::Json::empty_object();
  json.set("threads", bench.threads);
  json.set("peaks", std::move(peaks));
  json.set("operators", std::move(operators));
  return json;
}

void print_table(const OperatorBench& bench) {
  std::array<char, 256> line{};
  const Peaks& peaks = bench.peaks;
  std::snprintf(
      line.data(), line.size(),
      "%d %s: memory %.1f GB/s, f32 (%s) %.0f GFLOP/s, integers (%s) %.0f GOP/s, between products %.0f GOP/s, "
      "divisions %.1f G/s",
      bench.threads, bench.threads == 1 ? "thread" : "threads", peaks.bytes * 1e-9, peaks.float_instructions.c_str(),
      peaks.floats * 1e-9, peaks.integer_instructions.c_str(), peaks.integers * 1e-9, peaks.mixed * 1e-9,
      peaks.divisions * 1e-9);
  print(line.data());
  print(
      "operator                   shape                        ms      MB      GOP  memory ms  arithmetic ms  limit    "
      "   share  arena MB");
  for (const OperatorTime& row : bench.operators) {
    std::snprintf(line.data(), line.size(), "%-26s %-20s %10.3f %7.1f %8.2f %10.3f %14.3f  %-10s  %5.1f%%  %8.1f",
                  row.name.c_str(), row.shape.c_str(), row.seconds * 1e3, row.bytes * 1e-6,
                  (row.floats + row.integers + row.mixed + row.divisions) * 1e-9, row.memory_seconds * 1e3,
                  row.arithmetic_seconds * 1e3, row.limit.c_str(), 100.0 * share(row), row.arena_bytes * 1e-6);
    print(line.data());
  }
}

}  // namespace starling::cli
