#include "cli/bench_models.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "cli/bench_clock.h"
#include "exact/program.h"
#include "generate/text_to_video.h"
#include "models/layers.h"
#include "models/published.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::cli {
namespace {

using exact::Binding;
using exact::Builder;
using exact::ProgramBuilder;
using exact::Tensor;
using exact::Type;
using Bindings = std::vector<std::pair<std::string, Binding>>;

// Numbers around zero, of that spread; integers over the whole range.
base::Result<Tensor> numbers(Type type, const exact::Shape& shape, float spread) {
  STARLING_ASSIGN(Tensor tensor, Tensor::uninitialized(type, shape));
  std::uint32_t state = 1;
  const auto next = [&state] { return state = state * 1664525U + 1013904223U; };
  if (type == Type::kF32) {
    for (float& value : tensor.f32()) value = spread * static_cast<float>(static_cast<std::int32_t>(next())) * 0x1p-31F;
  } else {
    for (std::uint8_t& value : tensor.mutable_bytes()) value = static_cast<std::uint8_t>(next() >> 24U);
  }
  return tensor;
}

base::Result<std::vector<Tensor>> all_numbers(const std::vector<exact::GraphInput>& wanted, float spread) {
  std::vector<Tensor> tensors;
  for (const exact::GraphInput& input : wanted) {
    // Scales of integer rows are small; a convolution's or a layer's weights have a deviation of about 1/√fan-in.
    const bool is_scale = input.name.ends_with("_scale");
    STARLING_ASSIGN(Tensor tensor, numbers(input.type, input.shape, is_scale ? spread / 128.0F : spread));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

base::Result<ModelTime> time_program(exact::Engine& engine, exact::Program program, int rounds) {
  constexpr float kSpread = 0.02F;
  STARLING_ASSIGN(const auto prepared, exact::PreparedProgram::make(std::move(program)));
  STARLING_ASSIGN(const std::vector<Tensor> inputs, all_numbers(prepared.program().inputs(), 1.0F));
  STARLING_ASSIGN(const std::vector<Tensor> weights, all_numbers(prepared.program().weights(), kSpread));
  exact::RunObserver observer;
  observer.after_call = [](std::uint32_t, const std::vector<Tensor>&) { return base::check_interrupt(); };
  std::vector<double> seconds;
  // The first run finds its memory new; where it takes minutes that is little, and it counts.
  constexpr double kLong = 60.0;
  for (int round = 0; round <= rounds; ++round) {
    if (round == rounds && seconds.front() > kLong) break;
    const double start = bench_clock(engine.threads());
    const auto outputs = prepared.run(engine, inputs, weights, observer);
    if (!outputs.ok()) return outputs.error();
    seconds.push_back(bench_clock(engine.threads()) - start);
  }
  if (seconds.front() <= kLong) seconds.erase(seconds.begin());
  ModelTime time;
  time.seconds = median(std::move(seconds));
  time.work = prepared.program().work();
  time.planned_bytes = prepared.peak_bytes();
  for (const Tensor& weight : weights) time.weight_bytes += weight.byte_size();
  return time;
}

// One call of the graph; its inputs with a component's name are weights, the others the program's inputs.
base::Result<ModelTime> time_graph(exact::Engine& engine, const exact::Graph& graph, int rounds) {
  ProgramBuilder program;
  Bindings bindings;
  for (const exact::GraphInput& input : graph.inputs()) {
    if (input.name.find('/') == std::string::npos) {
      bindings.emplace_back(input.name, program.input(input.name, input.type, input.shape));
    }
  }
  const std::uint32_t call = program.call(program.graph(graph), bindings);
  program.output("out", program.result(call, "out"));
  STARLING_ASSIGN(exact::Program built, program.finish());
  return time_program(engine, std::move(built), rounds);
}

}  // namespace

base::Result<ModelTime> time_attention(exact::Engine& engine, std::int64_t tokens, std::int64_t heads,
                                       std::int64_t width, bool quantised, int rounds) {
  Builder b;
  const exact::Shape shape{1, heads, tokens, width};
  const auto q = b.input("q", Type::kF32, shape);
  const auto k = b.input("k", Type::kF32, shape);
  const auto v = b.input("v", Type::kF32, shape);
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  b.output("out", quantised ? b.quantised_attention(q, k, v, scale, 1)
                            : models::attention(b, b.mul(q, scale), k, b.transpose(v)));
  STARLING_ASSIGN(const exact::Graph graph, b.finish());
  return time_graph(engine, graph, rounds);
}

base::Result<ModelTime> time_step(exact::Engine& engine, const StepSize& size, int rounds) {
  models::TransformerConfig config = models::wan_2_1_t2v_1_3b_config().transformer;
  config.num_layers = size.blocks;
  if (size.quantised) config.quantisation.emplace();
  constexpr std::int64_t kTextLength = 512;
  Builder b;
  models::Parameters weights(b, "transformer");
  const auto latents = b.input("latents", Type::kF32, {1, size.frames, 2 * size.rows, 2 * size.columns, 16});
  std::vector<models::TextContext> contexts;
  for (std::int64_t block = 0; block < size.blocks; ++block) {
    const std::int64_t heads = config.num_attention_heads;
    const std::int64_t width = config.attention_head_dim;
    const std::string name = "context." + std::to_string(block);
    contexts.push_back({b.input(name + ".key", Type::kF32, {1, heads, kTextLength, width}),
                        b.input(name + ".value", Type::kF32, {1, heads, width, kTextLength})});
  }
  b.output("out", models::wan_transformer(weights, config, latents, b.input("timestep", Type::kF32, {1, 1}), contexts));
  STARLING_ASSIGN(const exact::Graph graph, b.finish());
  return time_graph(engine, graph, rounds);
}

base::Result<ModelTime> time_decode(exact::Engine& engine, std::int64_t frames, std::int64_t height, std::int64_t width,
                                    int rounds) {
  const models::VaeConfig vae = models::wan_2_1_t2v_1_3b_config().vae;
  generate::TextToVideo request;
  request.width = width;
  request.height = height;
  request.frames = frames;
  const std::int64_t latents = vae.latent_frames(frames);
  const std::int64_t each = generate::latent_frames_per_decode(vae, request);
  ProgramBuilder program;
  Bindings caches;
  for (std::int64_t first = 0; first < latents; first += each) {
    const std::int64_t count = std::min(each, latents - first);
    const exact::Shape shape{1, count, height / vae.spatial_stride(), width / vae.spatial_stride(), vae.z_dim};
    Builder b;
    models::Parameters weights(b, "vae");
    const models::ClipPart part{first == 0, first + count < latents};
    b.output("frames", models::vae_decode(weights, vae, b.input("latent", Type::kF32, shape), part));
    STARLING_ASSIGN(const exact::Graph graph, b.finish());
    Bindings bindings = caches;
    bindings.emplace_back("latent", program.input("latent." + std::to_string(first), Type::kF32, shape));
    const std::uint32_t call = program.call(program.graph(graph), bindings);
    caches.clear();
    for (const auto& output : graph.outputs()) {
      if (output.name != "frames") caches.emplace_back(output.name, program.result(call, output.name));
    }
    // Only the last part's frames are kept: those of the others go to a file as they come.
    if (!part.keeps) program.output("frames", program.result(call, "frames"));
  }
  STARLING_ASSIGN(exact::Program built, program.finish());
  return time_program(engine, std::move(built), rounds);
}

}  // namespace starling::cli
