#include "generate/text_to_video.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/interrupt.h"
#include "generate/schedule.h"
#include "generate/token_bound.h"
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
      : program_(program), outputs_(graph.outputs()), index_(program.graph(graph)) {
    for (const exact::GraphOutput& output : outputs_) shapes_.push_back(graph.shape(output.value));
  }

  std::uint32_t call(const Bindings& bindings) { return program_.call(index_, bindings); }
  const std::vector<exact::GraphOutput>& outputs() const { return outputs_; }
  // Of an output that is there.
  const exact::Shape& shape(std::string_view output) const {
    const auto found = std::ranges::find(outputs_, output, &exact::GraphOutput::name);
    return shapes_[static_cast<std::size_t>(found - outputs_.begin())];
  }

 private:
  ProgramBuilder& program_;
  std::vector<exact::GraphOutput> outputs_;
  std::vector<exact::Shape> shapes_;
  std::uint32_t index_;
};

constexpr float kHalfRange = 127.5F;  // of a pixel's values, as in video/frames.h

std::int64_t pieces_of(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

Tensor scalar(float value) { return Tensor::from_f32({}, {&value, 1}); }

class Pipeline {
 public:
  Pipeline(const models::ModelConfig& config, const TextToVideo& request, const Tiling& tiling)
      : config_(config),
        request_(request),
        batch_(request.guidance == 1.0F ? 1 : 2),
        latent_{1, 1, request.height / config.vae.spatial_stride(), request.width / config.vae.spatial_stride(),
                config.transformer.in_channels},
        timeline_(timeline_of(config, request)),
        windows_(plan_windows(timeline_)),
        pieces_(plan_pieces(timeline_, windows_)),
        each_(latent_frames_per_decode(config.vae, request)),
        parts_by_tiles_(tiling.parts),
        tiles_(decode_tiles(config.vae, request, tiling)),
        encoder_tiles_(encode_tiles(config.vae, request, tiling)),
        places_(static_cast<std::size_t>(timeline_.frames + 1)) {
    calls_.windows = static_cast<std::uint32_t>(windows_.size());
    for (const Piece& piece : pieces_) calls_.decodes += static_cast<std::uint32_t>(pieces_of(piece.frames, each_));
    if (tiles_.size() > 1) calls_.tile_parts = calls_.decodes * static_cast<std::uint32_t>(tiles_.size() + 1);
  }

  base::Result<TextToVideoProgram> build() {
    STARLING_ASSIGN(const Binding text, encode());
    STARLING_TRY(encode_given());
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      STARLING_ASSIGN(const Binding noise, begin_window(i));
      if (i == 0) {
        STARLING_TRY(make_contexts(text));
        if (pieces_.front().source == Piece::Source::kStart) STARLING_TRY(decode(pieces_.front(), start_));
      }
      STARLING_ASSIGN(const Binding latent, denoise(i, noise));
      learn(i, latent);
      for (const Piece& piece : pieces_) {
        if (piece.source == Piece::Source::kWindow && piece.window == i) STARLING_TRY(decode(piece, latent));
      }
    }
    if (pieces_.back().source == Piece::Source::kEnd) STARLING_TRY(decode(pieces_.back(), end_));
    STARLING_ASSIGN(exact::Program program, program_.finish());
    return TextToVideoProgram{std::move(program), std::move(calls_), std::move(given_)};
  }

 private:
  base::Result<GraphCall> finish(Builder& builder) {
    STARLING_TRY(base::check_interrupt());
    STARLING_ASSIGN(exact::Graph graph, builder.finish());
    return GraphCall(program_, graph);
  }

  std::uint32_t call(GraphCall& graph, const Bindings& bindings, CallRole role) {
    calls_.roles.push_back(role);
    return graph.call(bindings);
  }

  exact::Shape latent_shape(std::int64_t frames) const {
    exact::Shape shape = latent_;
    shape.set(1, frames);
    return shape;
  }

  base::Result<Binding> encode() {
    Builder b;
    const exact::Shape shape{batch_, config_.text_length};
    models::Parameters weights(b, "text_encoder");
    const auto ids = b.input("tokens", Type::kI32, shape);
    const auto mask = b.input("mask", Type::kF32, shape);
    b.output("text", models::umt5_encode(weights, config_.text_encoder, ids, mask));
    STARLING_ASSIGN(GraphCall graph, finish(b));
    const Bindings bindings{{"tokens", program_.input("tokens", Type::kI32, shape)},
                            {"mask", program_.input("mask", Type::kF32, shape)}};
    return program_.result(call(graph, bindings, {CallKind::kText}), "text");
  }

  // --- given frames

  base::Status encode_given() {
    const std::int64_t stride = config_.vae.temporal_stride();
    if (request_.end > 0) calls_.encodes += encodes_of(1 + request_.end / stride);
    if (request_.start > 0) {
      calls_.encodes += encodes_of(timeline_.start);
      STARLING_ASSIGN(start_, encode_clip("start", request_.start, 0));
      for (std::int64_t i = 0; i < timeline_.start; ++i) places_[index(i)] = {start_, timeline_.start, i};
    }
    if (request_.end > 0) {
      STARLING_ASSIGN(end_, encode_clip("end", request_.end + 1, 1));
      for (std::int64_t i = 0; i < timeline_.end; ++i) {
        places_[index(timeline_.frames - timeline_.end + i)] = {end_, timeline_.end, i};
      }
    }
    return {};
  }

  std::uint32_t encodes_of(std::int64_t latent_frames) const {
    const auto tiles = static_cast<std::uint32_t>(encoder_tiles_.size());
    return parts_of(latent_frames) * (tiles > 1 ? tiles + 1 : 1);
  }

  std::uint32_t parts_of(std::int64_t latent_frames) const {
    return static_cast<std::uint32_t>(pieces_of(latent_frames, each_));
  }

  // Encodes so many of the given frames and puts the latents together, but for the first `left_out`.
  base::Result<Binding> encode_clip(const std::string& name, std::int64_t frames, std::int64_t left_out) {
    const std::int64_t all = config_.vae.latent_frames(frames);
    const std::uint32_t parts = parts_of(all);
    EncodedClip clip;
    std::vector<GivenPart> together;
    for (std::uint32_t i = 0; i < parts; ++i) {
      const std::int64_t begin = i * each_;
      const std::int64_t count = std::min(each_, all - begin);
      const std::int64_t part_frames = count * config_.vae.temporal_stride() - (i == 0 ? frames_cut_ : 0);
      const GivenInput input{name + "." + std::to_string(i), given_end_, part_frames};
      given_.push_back(input);
      given_end_ += part_frames;
      const GivenPart part{count,
                           part_frames,
                           {i == 0, i + 1 < parts},
                           program_.input(input.name, Type::kU8, pixels_shape(part_frames))};
      if (encoder_tiles_.size() == 1) {
        STARLING_TRY(encode_part(part, clip));
        continue;
      }
      together.push_back(part);
      if (together.size() == parts_by_tiles_ || i + 1 == parts) {
        STARLING_TRY(encode_by_tiles(std::exchange(together, {}), clip));
      }
    }
    return gather(clip.latents, all, left_out);
  }

  struct GivenPart {
    std::int64_t latent_frames;
    std::int64_t frames;
    models::ClipPart part;
    Binding video;
  };
  // What is known of a clip between its parts.
  struct EncodedClip {
    Bindings latents;  // by part
    Bindings caches;
    std::vector<Bindings> tile_caches;
  };

  // Of one part of a clip, what `graph` makes in the output "latent".
  void add_encoded(const GraphCall& graph, std::uint32_t made, EncodedClip& clip) {
    clip.caches = caches_of(graph, made, "latent");
    clip.latents.emplace_back(std::to_string(clip.latents.size()), program_.result(made, "latent"));
  }

  base::Status encode_part(const GivenPart& part, EncodedClip& clip) {
    STARLING_ASSIGN(GraphCall * graph, made_once(encoders_, part.latent_frames, part.part, [&](Builder& b) {
                      models::Parameters weights(b, "vae");
                      const auto moments = models::vae_encode(weights, config_.vae, given_video(b, part), part.part);
                      b.output("latent", b.slice(moments, -1, 0, config_.vae.z_dim));
                    }));
    Bindings bindings = std::exchange(clip.caches, {});
    bindings.emplace_back("video", part.video);
    add_encoded(*graph, call(*graph, bindings, {CallKind::kEncode, encoded_++}), clip);
    return {};
  }

  // Parts that follow each other: tile by tile, and then part by part what needs the whole picture.
  base::Status encode_by_tiles(const std::vector<GivenPart>& parts, EncodedClip& clip) {
    encoder_tile_graphs_.resize(encoder_tiles_.size());
    clip.tile_caches.resize(encoder_tiles_.size());
    std::vector<std::vector<Tile>> coarse(parts.size());
    for (std::size_t i = 0; i < encoder_tiles_.size(); ++i) {
      for (std::size_t j = 0; j < parts.size(); ++j) {
        const GivenPart& part = parts[j];
        STARLING_ASSIGN(GraphCall * graph,
                        made_once(encoder_tile_graphs_[i], part.latent_frames, part.part, [&](Builder& b) {
                          models::Parameters weights(b, "vae");
                          b.output("coarse", models::vae_encode_tile(weights, config_.vae, given_video(b, part),
                                                                     part.part, encoder_tiles_[i]));
                        }));
        Bindings bindings = std::exchange(clip.tile_caches[i], {});
        bindings.emplace_back("video", part.video);
        const std::uint32_t made = call(*graph, bindings, {CallKind::kEncode, encoded_++});
        clip.tile_caches[i] = caches_of(*graph, made, "coarse");
        coarse[j].push_back({program_.result(made, "coarse"), graph->shape("coarse")});
      }
    }
    for (std::size_t j = 0; j < parts.size(); ++j) {
      const GivenPart& part = parts[j];
      STARLING_ASSIGN(GraphCall * graph, made_once(encoder_tops_, part.latent_frames, part.part, [&](Builder& b) {
                        models::Parameters weights(b, "vae");
                        const auto all = put_together(b, encoder_tiles_, coarse[j]);
                        const auto moments = models::vae_encode_top(weights, config_.vae, all, part.part);
                        b.output("latent", b.slice(moments, -1, 0, config_.vae.z_dim));
                      }));
      Bindings bindings = std::exchange(clip.caches, {});
      bind_tiles(bindings, coarse[j]);
      add_encoded(*graph, call(*graph, bindings, {CallKind::kEncode, encoded_++}), clip);
    }
    return {};
  }

  exact::Shape pixels_shape(std::int64_t frames) const { return {1, frames, request_.height, request_.width, 3}; }

  Builder::Value given_video(Builder& b, const GivenPart& part) const {
    const auto pixels = b.to_f32(b.input("video", Type::kU8, pixels_shape(part.frames)));
    return b.add(b.div(pixels, b.fill(kHalfRange)), -1.0F);
  }

  base::Result<Binding> gather(const Bindings& parts, std::int64_t frames, std::int64_t left_out) {
    Builder b;
    std::vector<Builder::Value> values;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::int64_t begin = static_cast<std::int64_t>(i) * each_;
      values.push_back(b.input(parts[i].first, Type::kF32, latent_shape(std::min(each_, frames - begin))));
    }
    const auto all = values.size() == 1 ? values[0] : b.concat(values, 1);
    const auto kept = left_out == 0 ? all : b.slice(all, 1, left_out, frames - left_out);
    b.output("latent", models::vae_normalize(b, config_.vae, kept));
    STARLING_ASSIGN(GraphCall graph, finish(b));
    return program_.result(call(graph, parts, {CallKind::kGiven}), "latent");
  }

  // --- windows

  // A latent frame of the video: frame `offset` of an output that has so many.
  struct Place {
    Binding source;
    std::int64_t frames = 0;
    std::int64_t offset = 0;
  };

  // Of a loop, the frame after the last is the second.
  std::size_t index(std::int64_t frame) const {
    return static_cast<std::size_t>(frame < timeline_.frames ? frame : frame - timeline_.frames + 1);
  }

  void learn(std::size_t which, const Binding& latent) {
    const Window& window = windows_[which];
    for (std::int64_t i = window.first; i < window.taken; ++i) {
      if (!window.known[static_cast<std::size_t>(i - window.first)]) {
        places_[index(i)] = {latent, window.frames, i - window.first};
      }
    }
  }

  // What a window begins with: noise, and what is known as it is; or noise over what is made anew.
  base::Result<Binding> begin_window(std::size_t which) {
    const Window& window = windows_[which];
    Builder b;
    if (which == 0) seed_ = program_.input("seed", Type::kI32, {2});
    Bindings bindings{{"seed", seed_}};
    const auto noise = models::latent_noise(b, b.input("seed", Type::kI32, {2}), static_cast<std::uint32_t>(which),
                                            latent_shape(window.frames), config_.scheduler.noise_mean_amplitude);
    Builder::Value sigma;
    if (request_.strength) {
      sigma = b.input("sigma", Type::kF32, {});
      bindings.emplace_back("sigma", program_.literal(scalar(first_sigma())));
    }
    std::vector<Builder::Value> parts;
    for (std::int64_t i = 0; i < window.frames;) {
      const std::int64_t count = run_length(window, i);
      const bool known = window.known[static_cast<std::size_t>(i)];
      auto part = known || count < window.frames ? b.slice(noise, 1, i, count) : noise;
      if (known || request_.strength) {
        const Place& place = *places_[index(window.first + i)];
        const std::string name = "known." + std::to_string(parts.size());
        const auto source = b.input(name, Type::kF32, latent_shape(place.frames));
        bindings.emplace_back(name, place.source);
        const auto frames = b.slice(source, 1, place.offset, count);
        part = known ? frames : b.fma(sigma, b.sub(part, frames), frames);
      }
      parts.push_back(part);
      i += count;
    }
    b.output("latent", parts.size() == 1 ? parts[0] : b.concat(parts, 1));
    STARLING_ASSIGN(GraphCall graph, finish(b));
    const CallRole role{CallKind::kNoise, 0, static_cast<std::uint32_t>(which)};
    return program_.result(call(graph, bindings, role), "latent");
  }

  // So many frames from i on are alike, and come from one place one after another if they come from one.
  std::int64_t run_length(const Window& window, std::int64_t i) const {
    const auto at = [&](std::int64_t frame) { return places_[index(window.first + frame)]; };
    const bool known = window.known[static_cast<std::size_t>(i)];
    std::int64_t count = 1;
    for (; i + count < window.frames; ++count) {
      if (window.known[static_cast<std::size_t>(i + count)] != known) break;
      if (!known && !request_.strength) continue;
      const auto one = at(i + count - 1);
      const auto next = at(i + count);
      if (one->source.index != next->source.index || next->offset != one->offset + 1) break;
    }
    return count;
  }

  static std::string key_name(std::size_t block) { return "context." + std::to_string(block) + ".key"; }
  static std::string value_name(std::size_t block) { return "context." + std::to_string(block) + ".value"; }

  base::Status make_contexts(const Binding& text) {
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
    const std::uint32_t made = call(graph, {{"text", text}}, {CallKind::kContexts});
    for (const auto& output : graph.outputs()) {
      contexts_.emplace_back(output.name, program_.result(made, output.name));
    }
    return {};
  }

  // One step: the flow at the latent, guided, and the latent moved along it. by_frame: each latent frame has a timestep
  // and a distance of its own, 0 for those that are known.
  base::Result<GraphCall*> step_graph(std::int64_t frames, bool by_frame) {
    return made_once(step_graphs_, frames, {by_frame, false}, [&](Builder& b) {
      models::Parameters weights(b, "transformer");
      const auto latent = b.input("latent", Type::kF32, latent_shape(frames));
      const auto timestep = b.input("timestep", Type::kF32, by_frame ? exact::Shape{1, frames} : exact::Shape{});
      const auto distance =
          b.input("distance", Type::kF32, by_frame ? exact::Shape{1, frames, 1, 1, 1} : exact::Shape{});
      std::vector<models::TextContext> contexts;
      for (std::size_t block = 0; block < context_shapes_.size(); ++block) {
        contexts.push_back({b.input(key_name(block), Type::kF32, context_shapes_[block].first),
                            b.input(value_name(block), Type::kF32, context_shapes_[block].second)});
      }
      exact::Shape batch_shape = latent_shape(frames);
      batch_shape.set(0, batch_);
      const auto latents = b.expand(latent, batch_shape);
      const auto timesteps =
          by_frame ? b.expand(timestep, {batch_, frames}) : b.expand(b.reshape(timestep, {1, 1}), {batch_, 1});
      auto flow = models::wan_transformer(weights, config_.transformer, latents, timesteps, contexts);
      if (batch_ == 2) {
        const auto wanted = b.slice(flow, 0, 0, 1);
        const auto unwanted = b.slice(flow, 0, 1, 1);
        flow = b.fma(b.input("guidance", Type::kF32, {}), b.sub(wanted, unwanted), unwanted);
      }
      b.output("latent", b.fma(distance, flow, latent));
    });
  }

  float first_sigma() const {
    const std::vector<Step> run = steps_of(config_, request_);
    return run.empty() ? 0.0F : run.front().sigma;
  }

  // A number for each latent frame of the window, 0 for those that are known.
  Binding by_frame(const Window& window, float value, const exact::Shape& shape) {
    std::vector<float> values;
    for (const bool known : window.known) values.push_back(known ? 0.0F : value);
    return program_.literal(Tensor::from_f32(shape, values));
  }

  base::Result<Binding> denoise(std::size_t which, Binding latent) {
    const Window& window = windows_[which];
    const bool masked = window.has_known();
    STARLING_ASSIGN(GraphCall * graph, step_graph(window.frames, masked));
    const std::vector<Step> run = steps_of(config_, request_);
    calls_.steps = static_cast<std::uint32_t>(run.size());
    for (std::uint32_t i = 0; i < calls_.steps; ++i) {
      const float distance = run[i].next_sigma - run[i].sigma;
      Bindings bindings = contexts_;
      bindings.emplace_back("latent", latent);
      if (masked) {
        bindings.emplace_back("timestep", by_frame(window, run[i].timestep, {1, window.frames}));
        bindings.emplace_back("distance", by_frame(window, distance, {1, window.frames, 1, 1, 1}));
      } else {
        bindings.emplace_back("timestep", program_.literal(scalar(run[i].timestep)));
        bindings.emplace_back("distance", program_.literal(scalar(distance)));
      }
      if (batch_ == 2) bindings.emplace_back("guidance", program_.literal(scalar(request_.guidance)));
      calls_.last_step = call(*graph, bindings, {CallKind::kStep, i, static_cast<std::uint32_t>(which)});
      if (calls_.first_step == 0) calls_.first_step = calls_.last_step;
      latent = program_.result(calls_.last_step, "latent");
    }
    return latent;
  }

  // --- decoding

  base::Result<GraphCall*> decoder(std::int64_t frames, models::ClipPart part, bool cut) {
    return made_once(cut ? cut_decoders_ : decoders_, frames, part, [&](Builder& b) {
      models::Parameters weights(b, "vae");
      auto video = models::vae_decode(weights, config_.vae, b.input("latent", Type::kF32, latent_shape(frames)), part);
      // The last frame of a loop is its first.
      if (cut) video = b.slice(video, 1, 0, b.size(video, 1) - 1);
      b.output("frames", video);
    });
  }

  // The latent on the decoder's scale, part by part.
  base::Result<std::uint32_t> split(const Piece& piece, const Binding& latent, std::int64_t frames) {
    Builder b;
    const auto all = models::vae_denormalize(b, config_.vae, b.input("latent", Type::kF32, latent_shape(frames)));
    for (std::uint32_t i = 0; i < parts_of(piece.frames); ++i) {
      const std::int64_t begin = i * each_;
      b.output(std::to_string(i), b.slice(all, 1, piece.offset + begin, std::min(each_, piece.frames - begin)));
    }
    STARLING_ASSIGN(GraphCall graph, finish(b));
    return call(graph, {{"latent", latent}}, {CallKind::kSplit});
  }

  base::Status decode(const Piece& piece, const Binding& latent) {
    const std::int64_t frames = piece.source == Piece::Source::kWindow  ? windows_[piece.window].frames
                                : piece.source == Piece::Source::kStart ? timeline_.start
                                                                        : timeline_.end;
    STARLING_ASSIGN(const std::uint32_t parts, split(piece, latent, frames));
    for (std::uint32_t i = 0; i < parts_of(piece.frames); ++i) {
      const std::int64_t count = std::min(each_, piece.frames - i * each_);
      const bool last = decoded_ + 1 == calls_.decodes;
      if (tiles_.size() > 1) {
        STARLING_TRY(decode_base(count, {decoded_ == 0, !last}, program_.result(parts, std::to_string(i))));
        ++decoded_;
        if (bases_.size() == parts_by_tiles_ || i + 1 == parts_of(piece.frames)) STARLING_TRY(decode_tiles_of_bases());
        continue;
      }
      STARLING_ASSIGN(GraphCall * graph, decoder(count, {decoded_ == 0, !last}, last && request_.loop));
      Bindings bindings = std::exchange(decoder_caches_, {});
      bindings.emplace_back("latent", program_.result(parts, std::to_string(i)));
      const std::uint32_t made = call(*graph, bindings, {CallKind::kDecode, decoded_, 0, decoded_frames_});
      if (decoded_ == 0) calls_.first_decode = made;
      decoded_frames_ += count * config_.vae.temporal_stride() - (decoded_ == 0 ? frames_cut_ : 0);
      decoder_caches_ = caches_of(*graph, made, "frames");
      program_.output("frames." + std::to_string(decoded_++), program_.result(made, "frames"));
    }
    return {};
  }

  // --- tiles

  // What a call gave of a tile.
  struct Tile {
    Binding made;
    exact::Shape shape;
  };

  // Inputs "tile.0", ... of a graph, put together to the whole.
  static Builder::Value put_together(Builder& b, const std::vector<models::VaeTile>& places,
                                     const std::vector<Tile>& tiles) {
    std::vector<Builder::Value> rows;
    std::vector<Builder::Value> row;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      row.push_back(b.input("tile." + std::to_string(i), Type::kF32, tiles[i].shape));
      const bool ends = i + 1 == tiles.size() || places[i + 1].row != places[i].row;
      if (ends) rows.push_back(b.concat(std::exchange(row, {}), 3));
    }
    return b.concat(rows, 2);
  }

  static void bind_tiles(Bindings& bindings, const std::vector<Tile>& tiles) {
    for (std::size_t i = 0; i < tiles.size(); ++i) bindings.emplace_back("tile." + std::to_string(i), tiles[i].made);
  }

  // A part of the clip: what its tiles are made of, and their pixels.
  struct TiledPart {
    Binding base;
    exact::Shape shape;
    std::int64_t frames;
    models::ClipPart part;
    std::vector<Tile> tiles;
  };

  std::uint32_t tile_call(GraphCall& graph, const Bindings& bindings) {
    return call(graph, bindings, {CallKind::kTile, tile_part_++});
  }

  base::Status decode_base(std::int64_t frames, models::ClipPart part, const Binding& latent) {
    STARLING_ASSIGN(GraphCall * graph, made_once(decoders_, frames, part, [&](Builder& b) {
                      models::Parameters weights(b, "vae");
                      const auto latents = b.input("latent", Type::kF32, latent_shape(frames));
                      b.output("base", models::vae_decode_base(weights, config_.vae, latents, part));
                    }));
    Bindings bindings = std::exchange(decoder_caches_, {});
    bindings.emplace_back("latent", latent);
    const std::uint32_t made = tile_call(*graph, bindings);
    decoder_caches_ = caches_of(*graph, made, "base");
    bases_.push_back({program_.result(made, "base"), graph->shape("base"), frames, part, {}});
    return {};
  }

  // Of the parts whose bases are there; after them come others.
  base::Status decode_tiles_of_bases() {
    tile_graphs_.resize(tiles_.size());
    tile_caches_.resize(tiles_.size());
    for (std::size_t i = 0; i < tiles_.size(); ++i) {
      for (TiledPart& part : bases_) {
        STARLING_ASSIGN(GraphCall * graph, made_once(tile_graphs_[i], part.frames, part.part, [&](Builder& b) {
                          models::Parameters weights(b, "vae");
                          const auto base = b.input("base", Type::kF32, part.shape);
                          b.output("pixels", models::vae_decode_tile(weights, config_.vae, base, part.part, tiles_[i]));
                        }));
        Bindings bindings = std::exchange(tile_caches_[i], {});
        bindings.emplace_back("base", part.base);
        const std::uint32_t made = tile_call(*graph, bindings);
        tile_caches_[i] = caches_of(*graph, made, "pixels");
        part.tiles.push_back({program_.result(made, "pixels"), graph->shape("pixels")});
      }
    }
    for (const TiledPart& part : std::exchange(bases_, {})) STARLING_TRY(join_tiles(joined_++, part));
    return {};
  }

  // The frames of a part.
  base::Status join_tiles(std::uint32_t index, const TiledPart& part) {
    const bool first = index == 0;
    const bool cut = index + 1 == calls_.decodes && request_.loop;
    STARLING_ASSIGN(GraphCall * graph, made_once(cut ? cut_joins_ : joins_, part.frames, part.part, [&](Builder& b) {
                      auto video = put_together(b, tiles_, part.tiles);
                      if (cut) video = b.slice(video, 1, 0, b.size(video, 1) - 1);
                      b.output("frames", video);
                    }));
    Bindings bindings;
    bind_tiles(bindings, part.tiles);
    const std::uint32_t made = call(*graph, bindings, {CallKind::kDecode, index, 0, decoded_frames_});
    if (first) calls_.first_decode = made;
    decoded_frames_ += part.frames * config_.vae.temporal_stride() - (first ? frames_cut_ : 0);
    program_.output("frames." + std::to_string(index), program_.result(made, "frames"));
    return {};
  }

  // --- graphs that several calls share

  using Graphs = std::map<std::tuple<std::int64_t, bool, bool>, GraphCall>;

  template <typename Build>
  base::Result<GraphCall*> made_once(Graphs& graphs, std::int64_t frames, models::ClipPart part, const Build& build) {
    const auto key = std::tuple(frames, part.starts, part.keeps);
    auto found = graphs.find(key);
    if (found == graphs.end()) {
      Builder b;
      build(b);
      STARLING_ASSIGN(GraphCall graph, finish(b));
      found = graphs.emplace(key, std::move(graph)).first;
    }
    return &found->second;
  }

  // What a call hands to the next part of a clip: all outputs but one.
  Bindings caches_of(const GraphCall& graph, std::uint32_t made, const std::string& but) {
    Bindings caches;
    for (const auto& output : graph.outputs()) {
      if (output.name != but) caches.emplace_back(output.name, program_.result(made, output.name));
    }
    return caches;
  }

  const models::ModelConfig& config_;
  const TextToVideo& request_;
  std::int64_t batch_;
  exact::Shape latent_;  // of one latent frame, [1, 1, H, W, C]
  const Timeline timeline_;
  const std::vector<Window> windows_;
  const std::vector<Piece> pieces_;
  const std::int64_t each_;  // latent frames of an encode or a decode, but for the last of a clip
  const std::size_t parts_by_tiles_;
  const std::vector<models::VaeTile> tiles_;          // of a picture that is decoded; one: it is decoded whole
  const std::vector<models::VaeTile> encoder_tiles_;  // likewise of given ones
  const std::int64_t frames_cut_ = config_.vae.temporal_stride() - 1;  // that the first latent frame does not stand for

  ProgramBuilder program_;
  CallLayout calls_;
  std::vector<GivenInput> given_;
  std::int64_t given_end_ = 0;
  std::uint32_t encoded_ = 0;
  Binding seed_{};
  Binding start_{};
  Binding end_{};
  std::vector<std::optional<Place>> places_;  // by latent frame, of those that are there
  std::vector<std::pair<exact::Shape, exact::Shape>> context_shapes_;
  Bindings contexts_;
  std::uint32_t decoded_ = 0;
  std::int64_t decoded_frames_ = 0;
  Bindings decoder_caches_;
  Graphs encoders_;
  std::vector<Graphs> encoder_tile_graphs_;  // by tile
  Graphs encoder_tops_;
  Graphs step_graphs_;
  Graphs decoders_;
  Graphs cut_decoders_;
  std::vector<TiledPart> bases_;
  std::uint32_t tile_part_ = 0;
  std::uint32_t joined_ = 0;
  std::vector<Graphs> tile_graphs_;    // by tile
  std::vector<Bindings> tile_caches_;  // likewise: what the next part of the clip gets
  Graphs joins_;
  Graphs cut_joins_;
};

}  // namespace

base::Result<TextToVideoProgram> text_to_video_program(const models::ModelConfig& config, const TextToVideo& request,
                                                       const Tiling& tiling) {
  STARLING_TRY(check_request(config, request));
  STARLING_TRY(check_tokens(config, request));
  return Pipeline(config, request, tiling).build();
}

}  // namespace starling::generate
