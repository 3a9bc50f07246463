#include "video/encoder.h"

#include <array>
#include <string>

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

// What a codec is called in the library, and how it is set up.
struct Recipe {
  Codec codec;
  bool lossless;
  const char* encoder;
  AVPixelFormat format;
  AVPixelFormat odd_format;  // when a side is odd
  int default_quality;       // -1: the codec has none
  const char* options;       // key=value pairs
};

// Without macroblock trees: x264 164 computes them with AVX-512 from memory it never wrote when pictures are small, so
// the same frames gave different files.
constexpr auto kRecipes = std::to_array<Recipe>({
    {Codec::kH264, false, "libx264", AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P, 14, "preset=medium:mbtree=0"},
    {Codec::kH264, true, "libx264rgb", AV_PIX_FMT_RGB24, AV_PIX_FMT_RGB24, -1, "preset=medium:qp=0"},
    {Codec::kVp9, false, "libvpx-vp9", AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, 16, "deadline=good:cpu-used=2"},
    {Codec::kVp9, true, "libvpx-vp9", AV_PIX_FMT_GBRP, AV_PIX_FMT_GBRP, -1, "deadline=good:cpu-used=2:lossless=1"},
    {Codec::kGif, false, "gif", AV_PIX_FMT_PAL8, AV_PIX_FMT_PAL8, -1, ""},
    {Codec::kPng, false, "png", AV_PIX_FMT_RGB24, AV_PIX_FMT_RGB24, -1, "pred=mixed"},
});

const Recipe& recipe_of(const EncoderSettings& settings) {
  const bool lossy_exists = settings.codec == Codec::kH264 || settings.codec == Codec::kVp9;
  for (const Recipe& recipe : kRecipes) {
    if (recipe.codec == settings.codec && recipe.lossless == (settings.lossless && lossy_exists)) return recipe;
  }
  return kRecipes.front();
}

Error failure(const Recipe& recipe, const std::string& what, int number) {
  return {number == AVERROR(ENOMEM) ? ErrorCode::kLimit : ErrorCode::kInternal,
          std::string("the encoder ") + recipe.encoder + " " + what + ": " + ffmpeg_reason(number)};
}

}  // namespace

Result<std::unique_ptr<Encoder>> Encoder::open(const EncoderSettings& settings) {
  silence_library();
  STARLING_TRY(check_size(settings.width, settings.height));
  STARLING_TRY(check_rate(settings.rate));
  const Recipe& recipe = recipe_of(settings);
  const AVCodec* codec = avcodec_find_encoder_by_name(recipe.encoder);
  if (codec == nullptr) {
    return base::unsupported(std::string("the installed FFmpeg libraries have no encoder ") + recipe.encoder +
                             ": install Debian's libavcodec, or choose another file type");
  }
  auto encoder = std::make_unique<Encoder>();
  encoder->context_.reset(avcodec_alloc_context3(codec));
  encoder->packet_.reset(av_packet_alloc());
  if (encoder->context_ == nullptr || encoder->packet_ == nullptr)
    return failure(recipe, "cannot start", AVERROR(ENOMEM));

  AVCodecContext& context = *encoder->context_;
  const bool odd = (settings.width | settings.height) % 2 != 0;
  context.width = settings.width;
  context.height = settings.height;
  context.pix_fmt = odd ? recipe.odd_format : recipe.format;
  context.time_base = av_inv_q(to_rational(settings.rate));
  context.framerate = to_rational(settings.rate);
  context.thread_count = 1;
  context.flags |= AV_CODEC_FLAG_BITEXACT;
  if (settings.global_header) context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  STARLING_ASSIGN(encoder->converter_, FrameFromRgb::open(settings.width, settings.height, context.pix_fmt));
  context.color_primaries = AVCOL_PRI_BT709;
  const bool planar_yuv = context.pix_fmt == AV_PIX_FMT_YUV420P || context.pix_fmt == AV_PIX_FMT_YUV444P;
  context.color_range = planar_yuv ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
  context.colorspace = planar_yuv ? AVCOL_SPC_BT709 : AVCOL_SPC_RGB;
  context.color_trc = planar_yuv ? AVCOL_TRC_BT709 : AVCOL_TRC_IEC61966_2_1;
  if (context.pix_fmt == AV_PIX_FMT_YUV420P) context.chroma_sample_location = AVCHROMA_LOC_LEFT;

  int status = av_set_options_string(context.priv_data, recipe.options, "=", ":");
  if (status >= 0 && recipe.default_quality >= 0) {
    const int quality = settings.quality >= 0 ? settings.quality : recipe.default_quality;
    status = av_opt_set_double(context.priv_data, "crf", quality, 0);
  }
  if (status >= 0 && settings.short_delay && settings.codec == Codec::kH264) {
    status = av_opt_set(context.priv_data, "rc-lookahead", "8", 0);
    context.max_b_frames = 2;
  }
  if (status >= 0) status = avcodec_open2(&context, codec, nullptr);
  if (status < 0) return failure(recipe, "cannot start", status);
  return encoder;
}

Status Encoder::send(const FrameView& frame) {
  if (frame.width != context_->width || frame.height != context_->height ||
      frame.rgb.size() != static_cast<std::size_t>(frame.width) * frame.height * 3) {
    return base::invalid("a frame of " + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                         " pixels does not fit into a video of " + std::to_string(context_->width) + "x" +
                         std::to_string(context_->height));
  }
  STARLING_ASSIGN(AVFrame * converted, converter_.convert(frame));
  converted->pts = next_++;
  converted->pict_type = AV_PICTURE_TYPE_NONE;
  const int status = avcodec_send_frame(context_.get(), converted);
  if (status < 0) {
    return Error{ErrorCode::kInternal,
                 "frame " + std::to_string(next_ - 1) + " cannot be encoded: " + ffmpeg_reason(status)};
  }
  return {};
}

Status Encoder::flush() {
  const int status = avcodec_send_frame(context_.get(), nullptr);
  if (status < 0 && status != AVERROR_EOF) {
    return Error{ErrorCode::kInternal, "the video cannot be finished: " + ffmpeg_reason(status)};
  }
  return {};
}

Result<AVPacket*> Encoder::receive() {
  const int status = avcodec_receive_packet(context_.get(), packet_.get());
  if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return static_cast<AVPacket*>(nullptr);
  if (status < 0) return Error{ErrorCode::kInternal, "a frame cannot be encoded: " + ffmpeg_reason(status)};
  packet_->duration = 1;
  return packet_.get();
}

}  // namespace starling::video
