#include "generate/preview.h"

#include "generate/video_job.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

TEST_F(TinyModel, APreviewAfterTheLastStepIsAFrameOfTheVideo) {
  TextToVideo request = small_request();
  request.window = 2;
  request.context = 1;
  request.frames = 13;
  const models::Checkpoint model = open();
  const auto job = VideoJob::prepare(model, request);
  ASSERT_TRUE(job.ok()) << job.error().message;
  const auto preview = Preview::make(model, request);
  ASSERT_TRUE(preview.ok()) << preview.error().message;
  auto engine = exact::Engine::create({});
  auto trace = proof::TraceWriter::create(folder() / "previewed.trace");
  Listener listener;
  std::vector<video::Picture> seen;
  std::vector<std::uint8_t> first;
  exact::Tensor before;
  listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
  listener.frame = [&](std::size_t index, const video::FrameView& frame) -> base::Status {
    if (index == 0) first.assign(frame.rgb.begin(), frame.rgb.end());
    return {};
  };
  const auto plain = make_video(*job, *engine, nullptr, *trace, listener);
  ASSERT_TRUE(plain.ok());
  listener.denoised = [&](std::uint32_t call, const exact::Tensor& latent) -> base::Status {
    const CallRole& role = job->calls().roles[call];
    if (role.kind == CallKind::kStep) {
      STARLING_ASSIGN(video::Picture picture, preview->picture(*engine, role, before, latent));
      seen.push_back(std::move(picture));
    }
    before = latent;
    return {};
  };
  auto second = proof::TraceWriter::create(folder() / "previewed.trace");
  const auto watched = make_video(*job, *engine, nullptr, *second, listener);
  ASSERT_TRUE(watched.ok());
  EXPECT_EQ(watched->calls, plain->calls);
  EXPECT_EQ(watched->frames, plain->frames);
  ASSERT_EQ(seen.size(), job->calls().steps * job->calls().windows);
  ASSERT_GE(job->calls().windows, 2U);
  // The first latent frame stands for the first frame alone.
  EXPECT_EQ(seen[job->calls().steps - 1].rgb, first);
  EXPECT_NE(seen[0].rgb, first);
}

TEST_F(TinyModel, PreviewsOfLargeVideosAreSmall) {
  TextToVideo request = small_request();
  const models::Checkpoint model = open();
  const std::int64_t stride = size_stride(model.config());
  for (const auto& [width, height] : {std::pair<std::int64_t, std::int64_t>(1024, 512), {4096, stride}}) {
    request.width = width;
    request.height = height;
    const std::int64_t latents = model.config().vae.spatial_stride();
    const exact::Shape shape{1, 3, height / latents, width / latents, model.config().transformer.in_channels};
    const auto preview = Preview::make(model, request);
    ASSERT_TRUE(preview.ok()) << preview.error().message;
    auto engine = exact::Engine::create({});
    const auto picture = preview->picture(*engine, {CallKind::kStep, 0, 0}, exact::Tensor(exact::Type::kF32, shape),
                                          exact::Tensor(exact::Type::kF32, shape));
    ASSERT_TRUE(picture.ok()) << picture.error().message;
    EXPECT_LE(static_cast<std::int64_t>(picture->width) * picture->height, 1024 * latents * latents);
    EXPECT_GT(picture->width, 64);
  }
}

}  // namespace
}  // namespace starling::generate
