#include "generate/preview.h"

#include <algorithm>
#include <utility>

#include "models/wan_vae.h"

namespace starling::generate {

using exact::Tensor;

namespace {

constexpr std::int64_t kMostLatents = 1024;  // that are decoded

}  // namespace

base::Result<Preview> Preview::make(const models::Checkpoint& model, const TextToVideo& request) {
  const models::ModelConfig& config = model.config();
  exact::Builder b;
  const std::int64_t stride = config.vae.spatial_stride();
  const std::int64_t rows = request.height / stride;
  const std::int64_t columns = request.width / stride;
  std::int64_t factor = 1;
  while ((rows / factor) * (columns / factor) > kMostLatents) ++factor;
  const exact::Shape shape{1, 1, std::max<std::int64_t>(rows / factor, 1), std::max<std::int64_t>(columns / factor, 1),
                           config.transformer.in_channels};
  const auto latent = b.input("latent", exact::Type::kF32, shape);
  models::Parameters weights(b, "vae");
  b.output("frames",
           models::vae_decode(weights, config.vae, models::vae_denormalize(b, config.vae, latent), {true, false}));
  STARLING_ASSIGN(exact::Graph graph, b.finish());
  STARLING_ASSIGN(exact::Plan plan, exact::Plan::make(std::move(graph)));
  Preview preview(std::move(plan));
  const auto& inputs = preview.plan_.graph().inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == "latent") {
      preview.latent_at_ = i;
      preview.operands_.emplace_back();
      continue;
    }
    STARLING_ASSIGN(Tensor weight, model.weight(inputs[i].name));
    preview.operands_.push_back(std::move(weight));
  }
  preview.rows_ = rows;
  preview.columns_ = columns;
  preview.factor_ = factor;
  preview.width_ = shape[3] * stride;
  preview.height_ = shape[2] * stride;
  preview.steps_ = steps_of(config, request);
  for (const Window& window : plan_windows(timeline_of(config, request))) {
    preview.shown_.push_back(std::ranges::find(window.known, false) - window.known.begin());
  }
  return preview;
}

base::Result<video::Picture> Preview::picture(exact::Engine& engine, const CallRole& step, const Tensor& before,
                                              const Tensor& after) const {
  std::vector<Tensor> operands = operands_;
  const exact::Shape& shape = plan_.graph().inputs()[latent_at_].shape;
  const Step& done = steps_[step.index];
  const float share = done.next_sigma / (done.next_sigma - done.sigma);
  const std::int64_t channels = shape[4];
  const std::int64_t first = shown_[step.window] * rows_ * columns_ * channels;
  const auto area = static_cast<float>(factor_ * factor_);
  std::vector<float> clean;
  clean.reserve(static_cast<std::size_t>(shape.elements()));
  for (std::int64_t y = 0; y < shape[2]; ++y) {
    for (std::int64_t x = 0; x < shape[3]; ++x) {
      for (std::int64_t channel = 0; channel < channels; ++channel) {
        float sum = 0;
        for (std::int64_t i = 0; i < factor_ * factor_; ++i) {
          const std::int64_t row = std::min(y * factor_ + i / factor_, rows_ - 1);
          const std::int64_t column = std::min(x * factor_ + i % factor_, columns_ - 1);
          const auto at = static_cast<std::size_t>(first + (row * columns_ + column) * channels + channel);
          const float now = after.f32()[at];
          sum += now - share * (now - before.f32()[at]);
        }
        clean.push_back(sum / area);
      }
    }
  }
  operands[latent_at_] = Tensor::from_f32(shape, clean);
  STARLING_ASSIGN(const std::vector<Tensor> outputs, engine.run(plan_, operands));
  video::Picture picture;
  picture.width = static_cast<int>(width_);
  picture.height = static_cast<int>(height_);
  picture.rgb.resize(static_cast<std::size_t>(width_ * height_) * 3);
  STARLING_TRY(video::pixels_from_values(outputs[0].f32(), picture.rgb));
  return picture;
}

}  // namespace starling::generate
