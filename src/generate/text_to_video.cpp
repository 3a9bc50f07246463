#include "generate/text_to_video.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/interrupt.h"
#include "generate/schedule.h"
#include "models/latent_noise.h"
#include "models/umt5.h"
#include "models/wan_transformer.h"
#include "models/wan_vae.h"

namespace starling::generate {

using exact::Binding;
using exact::Builder;
using exact::ProgramBuilder;
using exact::Tensor;
using exact::Type;
using Bindings = std::vector<std::pair<std::string, Binding>>;

namespace {

// A graph with the weights it takes, for one call or several.
class GraphCall {
 public:
  GraphCall(ProgramBuilder& program, const exact::Graph& graph)
      : program_(program), outputs_(graph.outputs()), index_(program.graph(graph)) {}

  std::uint32_t call(const Bindings& bindings) { return program_.call(index_, bindings); }
  const std::vector<exact::GraphOutput>& outputs() const { return outputs_; }

 private:
  ProgramBuilder& program_;
  std::vector<exact::GraphOutput> outputs_;
  std::uint32_t index_;
};

Tensor scalar(float value) { return Tensor::from_f32({}, {&value, 1}); }

class Pipeline {
 public:
  Pipeline(const models::ModelConfig& config, const TextToVideo& request)
      : config_(config),
        request_(request),
        batch_(request.guidance == 1.0F ? 1 : 2),
        latent_{1, config.vae.latent_frames(request.frames), request.height / config.vae.spatial_stride(),
                request.width / config.vae.spatial_stride(), config.transformer.in_channels} {}

  base::Result<TextToVideoProgram> build() {
    STARLING_ASSIGN(const Binding text, encode());
    STARLING_ASSIGN(Binding latent, noise());
    STARLING_ASSIGN(const Bindings contexts, make_contexts(text));
    STARLING_ASSIGN(latent, denoise(latent, contexts));
    STARLING_TRY(decode(latent));
    STARLING_ASSIGN(exact::Program program, program_.finish());
    return TextToVideoProgram{std::move(program), calls_};
  }

 private:
  base::Result<GraphCall> finish(Builder& builder) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(exact::Graph graph, builder.finish());
    return GraphCall(program_, graph);
  }

  base::Result<Binding> encode() {
    Builder b;
    const exact::Shape shape{batch_, config_.text_length};
    models::Parameters weights(b, "text_encoder");
    const auto ids = b.input("tokens", Type::kI32, shape);
    const auto mask = b.input("mask", Type::kF32, shape);
    b.output("text", models::umt5_encode(weights, config_.text_encoder, ids, mask));
    STARLING_ASSIGN(GraphCall graph, finish(b));
    calls_.encode = graph.call(
        {{"tokens", program_.input("tokens", Type::kI32, shape)}, {"mask", program_.input("mask", Type::kF32, shape)}});
    return program_.result(calls_.encode, "text");
  }

  base::Result<Binding> noise() {
    Builder b;
    b.output("latent", models::latent_noise(b, b.input("seed", Type::kI32, {2}), 0, latent_,
                                            config_.scheduler.noise_mean_amplitude));
    STARLING_ASSIGN(GraphCall graph, finish(b));
    calls_.noise = graph.call({{"seed", program_.input("seed", Type::kI32, {2})}});
    return program_.result(calls_.noise, "latent");
  }

  static std::string key_name(std::size_t block) { return "context." + std::to_string(block) + ".key"; }
  static std::string value_name(std::size_t block) { return "context." + std::to_string(block) + ".value"; }

  base::Result<Bindings> make_contexts(const Binding& text) {
    Builder b;
    models::Parameters weights(b, "transformer");
    const auto embeddings = b.input("text", Type::kF32, {batch_, config_.text_length, config_.text_encoder.d_model});
    const auto contexts = models::wan_text_contexts(weights, config_.transformer, embeddings);
    for (std::size_t block = 0; block < contexts.size(); ++block) {
      b.output(key_name(block), contexts[block].key);
      b.output(value_name(block), contexts[block].value_transposed);
      context_shapes_.push_back({b.shape(contexts[block].key), b.shape(contexts[block].value_transposed)});
    }
    STARLING_ASSIGN(GraphCall graph, finish(b));
    calls_.contexts = graph.call({{"text", text}});
    Bindings bindings;
    for (const auto& output : graph.outputs()) {
      bindings.emplace_back(output.name, program_.result(calls_.contexts, output.name));
    }
    return bindings;
  }

  // One step: the flow at the latent, guided, and the latent moved along it.
  base::Result<GraphCall> step_graph() {
    Builder b;
    models::Parameters weights(b, "transformer");
    const auto latent = b.input("latent", Type::kF32, latent_);
    const auto timestep = b.input("timestep", Type::kF32, {});
    const auto distance = b.input("distance", Type::kF32, {});
    std::vector<models::TextContext> contexts;
    for (std::size_t block = 0; block < context_shapes_.size(); ++block) {
      contexts.push_back({b.input(key_name(block), Type::kF32, context_shapes_[block].first),
                          b.input(value_name(block), Type::kF32, context_shapes_[block].second)});
    }
    exact::Shape batch_shape = latent_;
    batch_shape.set(0, batch_);
    const auto latents = b.expand(latent, batch_shape);
    const auto timesteps = b.expand(b.reshape(timestep, {1, 1}), {batch_, 1});
    auto flow = models::wan_transformer(weights, config_.transformer, latents, timesteps, contexts);
    if (batch_ == 2) {
      const auto wanted = b.slice(flow, 0, 0, 1);
      const auto unwanted = b.slice(flow, 0, 1, 1);
      flow = b.fma(b.input("guidance", Type::kF32, {}), b.sub(wanted, unwanted), unwanted);
    }
    b.output("latent", b.fma(distance, flow, latent));
    return finish(b);
  }

  base::Result<Binding> denoise(Binding latent, const Bindings& contexts) {
    STARLING_ASSIGN(GraphCall graph, step_graph());
    const auto steps = flow_match_euler(request_.steps, config_.scheduler.num_train_timesteps, request_.shift);
    calls_.steps = static_cast<std::uint32_t>(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      Bindings bindings = contexts;
      bindings.emplace_back("latent", latent);
      bindings.emplace_back("timestep", program_.literal(scalar(steps[i].timestep)));
      bindings.emplace_back("distance", program_.literal(scalar(steps[i].next_sigma - steps[i].sigma)));
      if (batch_ == 2) bindings.emplace_back("guidance", program_.literal(scalar(request_.guidance)));
      const std::uint32_t call = graph.call(bindings);
      if (i == 0) calls_.first_step = call;
      latent = program_.result(call, "latent");
    }
    return latent;
  }

  base::Result<GraphCall> decode_graph(std::int64_t frames, models::ClipPart part) {
    Builder b;
    models::Parameters weights(b, "vae");
    exact::Shape shape = latent_;
    shape.set(1, frames);
    b.output("frames", models::vae_decode(weights, config_.vae, b.input("latent", Type::kF32, shape), part));
    return finish(b);
  }

  // The latent frames of decode `index`.
  std::int64_t frames_of(std::uint32_t index) const {
    const std::int64_t begin = index * calls_.latent_frames_per_decode;
    return std::min(calls_.latent_frames_per_decode, latent_[1] - begin);
  }

  base::Result<std::uint32_t> split(const Binding& latent) {
    Builder b;
    const auto all = models::vae_denormalize(b, config_.vae, b.input("latent", Type::kF32, latent_));
    for (std::uint32_t i = 0; i < calls_.decodes; ++i) {
      b.output(std::to_string(i), b.slice(all, 1, i * calls_.latent_frames_per_decode, frames_of(i)));
    }
    STARLING_ASSIGN(GraphCall graph, finish(b));
    return graph.call({{"latent", latent}});
  }

  base::Status decode(const Binding& latent) {
    calls_.latent_frames_per_decode = latent_frames_per_decode(config_.vae, request_);
    calls_.decodes = static_cast<std::uint32_t>((latent_[1] + calls_.latent_frames_per_decode - 1) /
                                                calls_.latent_frames_per_decode);
    STARLING_ASSIGN(calls_.split, split(latent));
    std::vector<GraphCall> graphs;
    Bindings caches;
    for (std::uint32_t i = 0; i < calls_.decodes; ++i) {
      const bool last = i + 1 == calls_.decodes;
      // Four kinds at most: the first, those between, the last, and one that is both first and last.
      if (i < 2 || last) {
        STARLING_ASSIGN(GraphCall graph, decode_graph(frames_of(i), {i == 0, !last}));
        graphs.push_back(std::move(graph));
      }
      GraphCall& graph = graphs.back();
      Bindings bindings = caches;
      bindings.emplace_back("latent", program_.result(calls_.split, std::to_string(i)));
      const std::uint32_t call = graph.call(bindings);
      if (i == 0) calls_.first_decode = call;
      caches.clear();
      for (const auto& output : graph.outputs()) {
        if (output.name != "frames") caches.emplace_back(output.name, program_.result(call, output.name));
      }
      program_.output("frames." + std::to_string(i), program_.result(call, "frames"));
    }
    return {};
  }

  const models::ModelConfig& config_;
  const TextToVideo& request_;
  std::int64_t batch_;
  exact::Shape latent_;  // [1, T, H, W, C]
  std::vector<std::pair<exact::Shape, exact::Shape>> context_shapes_;
  ProgramBuilder program_;
  CallLayout calls_;
};

}  // namespace

std::int64_t latent_frames_per_decode(const models::VaeConfig& vae, const TextToVideo& request) {
  return std::max<std::int64_t>(1, kDecodedPixels / (request.width * request.height * vae.temporal_stride()));
}

std::string CallLayout::describe(std::uint32_t call) const {
  if (call == encode) return "encode the prompt";
  if (call == noise) return "make the noise";
  if (call == contexts) return "prepare the prompt for the transformer";
  if (call >= first_step && call < first_step + steps) {
    return "step " + std::to_string(call - first_step + 1) + " of " + std::to_string(steps);
  }
  if (call == split) return "split the latent";
  return "decode part " + std::to_string(call - first_decode + 1) + " of " + std::to_string(decodes);
}

bool is_kept(const CallLayout& calls, std::uint32_t call) {
  return call == calls.encode || call == calls.noise ||
         (call >= calls.first_step && call < calls.first_step + calls.steps);
}

base::Result<TextToVideoProgram> text_to_video_program(const models::ModelConfig& config, const TextToVideo& request) {
  STARLING_TRY(check_request(config, request));
  return Pipeline(config, request).build();
}

}  // namespace starling::generate
