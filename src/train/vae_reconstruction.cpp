#include "train/vae_reconstruction.h"

#include "models/wan_vae.h"
#include "train/clip_batch.h"
#include "video/frames.h"

namespace starling::train {

base::Result<VaeReconstruction> VaeReconstruction::make(const TrainedVae& vae, const ClipShape& shape) {
  const models::VaeConfig& config = vae.config;
  const std::int64_t space = config.spatial_stride();
  const std::int64_t time = config.temporal_stride();
  if (shape.width % space != 0 || shape.height % space != 0 || (shape.frames - 1) % time != 0) {
    return base::invalid("the autoencoder takes sides that are multiples of " + std::to_string(space) + " and 1 + k·" +
                         std::to_string(time) + " frames, not " + std::to_string(shape.frames) + " of " +
                         std::to_string(shape.width) + "x" + std::to_string(shape.height));
  }
  exact::Builder b;
  models::Parameters parameters(b, "vae");
  const auto video = b.input("video", exact::Type::kF32, {1, shape.frames, shape.height, shape.width, 3});
  const auto moments = models::vae_encode(parameters, config, video, models::ClipPart::whole());
  const auto latents = b.slice(moments, -1, 0, config.z_dim);
  b.output("video", models::vae_decode(parameters, config, latents, models::ClipPart::whole()));
  STARLING_ASSIGN(exact::Graph graph, b.finish());
  NamedTensors tensors = vae.weights;
  tensors.insert_or_assign("video", exact::Tensor(exact::Type::kF32, {1, shape.frames, shape.height, shape.width, 3}));
  STARLING_ASSIGN(std::vector<exact::Tensor> inputs, bind_inputs(graph, tensors));
  const auto place = static_cast<std::size_t>(graph.find_input("video"));
  STARLING_ASSIGN(exact::Plan plan, exact::Plan::make(std::move(graph)));
  VaeReconstruction reconstruction(std::move(plan), shape);
  reconstruction.inputs_ = std::move(inputs);
  reconstruction.video_ = place;
  return reconstruction;
}

base::Result<std::vector<std::uint8_t>> VaeReconstruction::run(exact::Engine& engine,
                                                               const std::vector<std::uint8_t>& rgb) {
  STARLING_ASSIGN(exact::Tensor video,
                  exact::Tensor::allocate(exact::Type::kF32, {1, shape_.frames, shape_.height, shape_.width, 3}));
  copy_crop(rgb, shape_, {0, 0, shape_.height, shape_.width}, video.f32());
  inputs_[video_] = std::move(video);
  STARLING_ASSIGN(const std::vector<exact::Tensor> outputs, engine.run(plan_, inputs_));
  STARLING_ASSIGN(video::Frames frames,
                  video::frames_from_values(outputs[0].f32(), shape_.width, shape_.height, shape_.frames, {1, 1}));
  return std::move(frames.rgb);
}

}  // namespace starling::train
