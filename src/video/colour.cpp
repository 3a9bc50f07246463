#include "video/colour.h"

#include <algorithm>
#include <array>

#include "video/palette.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kReadBeyond = 64;  // bytes
constexpr int kScalerFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;

// Where a chroma sample lies, in 1/256 of a luma pixel to the right of and below the first of its luma samples.
struct Siting {
  int right = 0;
  int below = 128;
};

Siting siting_of(AVChromaLocation location) {
  switch (location) {
    case AVCHROMA_LOC_CENTER:
      return {128, 128};
    case AVCHROMA_LOC_TOPLEFT:
      return {0, 0};
    case AVCHROMA_LOC_TOP:
      return {128, 0};
    case AVCHROMA_LOC_BOTTOMLEFT:
      return {0, 256};
    case AVCHROMA_LOC_BOTTOM:
      return {128, 256};
    default:
      return {0, 128};
  }
}

// A picture format with what else its numbers need to mean a colour.
struct Encoding {
  AVPixelFormat format = AV_PIX_FMT_RGB24;
  int matrix = SWS_CS_ITU709;
  bool full_range = true;
  AVChromaLocation siting = AVCHROMA_LOC_LEFT;
};

Result<ScalerPointer> make_scaler(int width, int height, const Encoding& from, const Encoding& to) {
  const Error failure{ErrorCode::kUnsupported, std::string("no conversion from the pixel format ") +
                                                   av_get_pix_fmt_name(from.format) + " to " +
                                                   av_get_pix_fmt_name(to.format) + " is known"};
  if (sws_isSupportedInput(from.format) == 0 || sws_isSupportedOutput(to.format) == 0) return failure;
  ScalerPointer scaler(sws_alloc_context());
  if (scaler == nullptr) return Error{ErrorCode::kLimit, "there is no memory left for converting colours"};
  const auto set = [&](const char* name, int value) { av_opt_set_int(scaler.get(), name, value, 0); };
  set("srcw", width);
  set("srch", height);
  set("dstw", width);
  set("dsth", height);
  set("src_format", from.format);
  set("dst_format", to.format);
  set("src_range", from.full_range);
  set("dst_range", to.full_range);
  set("sws_flags", kScalerFlags);
  const auto halved = [](AVPixelFormat format) {
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
    return std::pair(description->log2_chroma_w > 0, description->log2_chroma_h > 0);
  };
  const auto [from_across, from_down] = halved(from.format);
  const auto [to_across, to_down] = halved(to.format);
  if (from_across) set("src_h_chr_pos", siting_of(from.siting).right);
  if (from_down) set("src_v_chr_pos", siting_of(from.siting).below);
  if (to_across) set("dst_h_chr_pos", siting_of(to.siting).right);
  if (to_down) set("dst_v_chr_pos", siting_of(to.siting).below);
  if (sws_init_context(scaler.get(), nullptr, nullptr) < 0) return failure;
  sws_setColorspaceDetails(scaler.get(), sws_getCoefficients(from.matrix), from.full_range,
                           sws_getCoefficients(to.matrix), to.full_range, 0, 1 << 16, 1 << 16);
  return scaler;
}

int matrix_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    default:
      return frame.width >= 1280 || frame.height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

// The formats that imply full range by their name, as motion JPEG uses them.
bool is_full_range(const AVFrame& frame) {
  switch (static_cast<AVPixelFormat>(frame.format)) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
      return true;
    default:
      break;
  }
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  const bool coloured = (description->flags & AV_PIX_FMT_FLAG_RGB) != 0 || description->nb_components < 3;
  return coloured ? frame.color_range != AVCOL_RANGE_MPEG : frame.color_range == AVCOL_RANGE_JPEG;
}

bool has_alpha(AVPixelFormat format) {
  return format == AV_PIX_FMT_PAL8 || (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
}

}  // namespace

Result<FrameFromRgb> FrameFromRgb::open(int width, int height, AVPixelFormat format) {
  FrameFromRgb converter;
  converter.frame_.reset(av_frame_alloc());
  if (converter.frame_ == nullptr) return Error{ErrorCode::kLimit, "there is no memory left for a frame"};
  AVFrame& frame = *converter.frame_;
  frame.width = width;
  frame.height = height;
  frame.format = format;
  const bool planar_yuv = format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUV444P;
  frame.color_range = planar_yuv ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
  frame.colorspace = planar_yuv ? AVCOL_SPC_BT709 : AVCOL_SPC_RGB;
  frame.chroma_location = format == AV_PIX_FMT_YUV420P ? AVCHROMA_LOC_LEFT : AVCHROMA_LOC_UNSPECIFIED;
  if (av_frame_get_buffer(&frame, 0) < 0) return Error{ErrorCode::kLimit, "there is no memory left for a frame"};
  if (format != AV_PIX_FMT_PAL8) {
    STARLING_ASSIGN(converter.scaler_, make_scaler(width, height, {}, {.format = format, .full_range = !planar_yuv}));
  }
  return converter;
}

Result<AVFrame*> FrameFromRgb::convert(const FrameView& picture) {
  AVFrame& frame = *frame_;
  if (av_frame_make_writable(&frame) < 0) return Error{ErrorCode::kLimit, "there is no memory left for a frame"};
  if (frame.format == AV_PIX_FMT_PAL8) {
    std::array<std::uint32_t, kPaletteSize> palette{};
    std::vector<std::uint8_t> indices(static_cast<std::size_t>(picture.width) * picture.height);
    quantise(picture, palette, indices);
    std::copy(palette.begin(), palette.end(), reinterpret_cast<std::uint32_t*>(frame.data[1]));
    for (int y = 0; y < picture.height; ++y) {
      std::copy_n(indices.data() + static_cast<std::size_t>(y) * picture.width, picture.width,
                  frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0]);
    }
    return &frame;
  }
  // libswscale reads some bytes beyond the last pixel.
  padded_.resize(picture.rgb.size() + kReadBeyond);
  std::ranges::copy(picture.rgb, padded_.begin());
  const std::array<const std::uint8_t*, 4> planes{padded_.data()};
  const std::array<int, 4> strides{3 * picture.width};
  sws_scale(scaler_.get(), planes.data(), strides.data(), 0, picture.height, frame.data, frame.linesize);
  return &frame;
}

Status RgbFromFrame::prepare(const AVFrame& frame, AVPixelFormat target) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const bool full = is_full_range(frame);
  const Source source{frame.width, frame.height, format, matrix_of(frame), full ? 1 : 0, frame.chroma_location};
  if (scaler_ != nullptr && source == source_) return {};
  STARLING_ASSIGN(
      scaler_,
      make_scaler(frame.width, frame.height,
                  {.format = format, .matrix = source.matrix, .full_range = full, .siting = frame.chroma_location},
                  {.format = target}));
  source_ = source;
  return {};
}

Status RgbFromFrame::convert(const AVFrame& frame, Picture& out) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  if (av_pix_fmt_desc_get(format) == nullptr || (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_HWACCEL) != 0) {
    return base::unsupported("the pixels of the picture are in a format that cannot be read");
  }
  const bool alpha = has_alpha(format);
  STARLING_TRY(prepare(frame, alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24));
  out.width = frame.width;
  out.height = frame.height;
  const std::size_t pixels = static_cast<std::size_t>(frame.width) * frame.height;
  out.rgb.resize(3 * pixels);
  if (alpha) rgba_.resize(4 * pixels);
  const std::array<std::uint8_t*, 4> planes{alpha ? rgba_.data() : out.rgb.data()};
  const std::array<int, 4> strides{(alpha ? 4 : 3) * frame.width};
  if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, planes.data(), strides.data()) < 0) {
    return base::corrupt("the pixels of the picture cannot be converted to RGB");
  }
  if (!alpha) return {};
  for (std::size_t i = 0; i < pixels; ++i) {
    const unsigned opacity = rgba_[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      out.rgb[3 * i + c] = static_cast<std::uint8_t>((rgba_[4 * i + c] * opacity + 127) / 255);
    }
  }
  return {};
}

}  // namespace starling::video
