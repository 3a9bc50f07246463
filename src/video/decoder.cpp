#include "video/decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <string_view>

#include "video/picture_header.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

// Containers and pictures that hold everything in one file; playlists and the like are left out on purpose.
constexpr const char* kReadContainers =
    "mov,mp4,matroska,webm,gif,apng,avi,mpegts,mpeg,mpegvideo,h264,hevc,ivf,obu,ogg,flv,asf,nut,yuv4mpegpipe,"
    "png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,tiff_pipe,pam_pipe,ppm_pipe,pgm_pipe";
constexpr std::int64_t kFarthestTime = std::int64_t{1} << 56;

// An EBML number (RFC 8794): the first byte's leading zeros say how many bytes follow. Moves at behind it; nothing if
// the bytes end, or if all its bits are ones, which means unknown.
std::optional<std::int64_t> ebml_size(const base::Bytes& bytes, std::size_t& at) {
  if (at >= bytes.size() || bytes[at] == 0) return {};
  const int more = std::countl_zero(bytes[at]);
  std::uint64_t value = bytes[at++] & (0x7fu >> more);
  std::uint64_t ones = 0x7fu >> more;
  for (int i = 0; i < more; ++i) {
    if (at >= bytes.size()) return {};
    value = value << 8 | bytes[at++];
    ones = ones << 8 | 0xff;
  }
  if (value == ones) return {};
  return static_cast<std::int64_t>(value);
}

// Whether the file is as long as the size of its Matroska segment says.
bool holds_matroska_segment(Input& input) {
  const base::Bytes head = input.peek(0, 16);
  std::size_t at = 4;  // behind the identifier of the header
  const auto header = ebml_size(head, at);
  if (!header) return true;
  const std::int64_t segment = static_cast<std::int64_t>(at) + *header;
  const base::Bytes start = input.peek(segment, 16);
  if (start.size() < 4 || start[0] != 0x18 || start[1] != 0x53 || start[2] != 0x80 || start[3] != 0x67) return true;
  std::size_t behind = 4;
  const auto size = ebml_size(start, behind);
  return !size || *size <= input.size() - segment - static_cast<std::int64_t>(behind);
}

// Whether the end of the file is there, as far as its container can tell: by the list of where its frames lie, the size
// of its segment, the trailer of a GIF.
bool is_complete(Input& input, const AVStream& stream, std::string_view container) {
  const int entries = avformat_index_get_entries_count(&stream);
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(const_cast<AVStream*>(&stream), i);
    if (entry->pos > input.size() || entry->size > input.size() - entry->pos) return false;
  }
  if (container.starts_with("matroska")) return holds_matroska_segment(input);
  if (container == "gif") return input.peek(input.size() - 1, 1) == base::Bytes{';'};
  return true;
}

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) { return AVERROR(EACCES); }

std::optional<Rate> usable_rate(AVRational rate) {
  if (rate.num <= 0 || rate.den <= 0) return {};
  Rate reduced;
  av_reduce(&reduced.numerator, &reduced.denominator, rate.num, rate.den, 1'000'000);
  if (!check_rate(reduced).ok()) return {};
  return reduced;
}

// Square where the file does not say.
Rate pixel_aspect_of(AVRational aspect) {
  Rate reduced;
  av_reduce(&reduced.numerator, &reduced.denominator, aspect.num, aspect.den, 1'000'000);
  return reduced.numerator > 0 && reduced.denominator > 0 ? reduced : Rate{1, 1};
}

bool stores_rgb(AVCodecID codec, AVPixelFormat format) {
  const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
  return description != nullptr && (description->flags & AV_PIX_FMT_FLAG_RGB) != 0 &&
         (description->flags & AV_PIX_FMT_FLAG_PAL) == 0 && codec != AV_CODEC_ID_GIF;
}

// Whether a decoder multiplied by a quantiser; nothing if it does not say.
std::optional<bool> is_quantised(const AVFrame& frame) {
  const AVFrameSideData* data = av_frame_get_side_data(&frame, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
  if (data == nullptr) return std::nullopt;
  auto* parameters = reinterpret_cast<AVVideoEncParams*>(data->data);
  if (parameters->nb_blocks == 0) return parameters->qp > 0;
  for (unsigned i = 0; i < parameters->nb_blocks; ++i) {
    if (parameters->qp + av_video_enc_params_block(parameters, i)->delta_qp > 0) return true;
  }
  return false;
}

bool is_lossless(AVCodecID codec, AVPixelFormat format, const AVFrame& frame) {
  if (!stores_rgb(codec, format)) return false;
  if (const std::optional<bool> quantised = is_quantised(frame)) return !*quantised;
  const AVCodecDescriptor* description = avcodec_descriptor_get(codec);
  return description != nullptr && (description->props & AV_CODEC_PROP_LOSSLESS) != 0;
}

}  // namespace

Error Decoder::damaged(const std::string& why) const {
  return base::corrupt(name_ + " is not a whole video or picture (" + why + "): give another copy of it");
}

Error Decoder::refused(int status) const {
  if (status == AVERROR(ENOMEM)) {
    return base::limit_error(name_ + " takes more memory to read than there is: give a smaller one");
  }
  return damaged(ffmpeg_reason(status));
}

Result<std::unique_ptr<Decoder>> Decoder::open(std::unique_ptr<Input> input, std::string name,
                                               const ReaderOptions& options) {
  silence_library();
  if (input->size() == 0) return base::corrupt(name + " is empty: give a video or a picture");
  auto decoder = std::make_unique<Decoder>();
  decoder->input_ = std::move(input);
  decoder->name_ = std::move(name);
  decoder->options_ = options;
  STARLING_TRY(decoder->start());
  return decoder;
}

Status Decoder::check_pixels(std::int64_t width, std::int64_t height) const {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  // Sides are below 2^31.
  if (width > 0 && height > options_.max_pixels / width) {
    std::array<char, 32> millions{};
    std::snprintf(millions.data(), millions.size(), "%.4g", static_cast<double>(options_.max_pixels) / 1e6);
    return base::limit_error(name_ + " has " + size + " pixels, more than " + millions.data() +
                             " million: scale it down");
  }
  if (width > kMaxSide || height > kMaxSide) {
    return base::limit_error(name_ + " has " + size + " pixels, and a side has at most " + std::to_string(kMaxSide) +
                             ": scale it down");
  }
  return {};
}

Status Decoder::start() {
  if (const auto size = declared_size(*input_)) STARLING_TRY(check_pixels(size->width, size->height));
  if (const auto parts = pixel_parts(*input_)) input_->show_only(*parts);
  const Error no_memory{ErrorCode::kLimit, "there is no memory left for reading " + name_};
  AVFormatContext* demuxer = avformat_alloc_context();
  frame_.reset(av_frame_alloc());
  packet_.reset(av_packet_alloc());
  if (demuxer == nullptr || frame_ == nullptr || packet_ == nullptr) {
    avformat_free_context(demuxer);
    return no_memory;
  }
  demuxer->pb = input_->context();
  demuxer->flags |= AVFMT_FLAG_CUSTOM_IO;
  demuxer->io_open = &refuse_to_open;
  demuxer->format_whitelist = av_strdup(kReadContainers);
  // On failure the library frees the demuxer itself.
  int status = avformat_open_input(&demuxer, "", nullptr, nullptr);
  if (status < 0) return refused(status);
  demuxer_.reset(demuxer);

  const std::string most_pixels = std::to_string(options_.max_pixels);
  std::vector<AVDictionary*> settings(demuxer->nb_streams, nullptr);
  for (AVDictionary*& setting : settings) {
    av_dict_set(&setting, "max_pixels", most_pixels.c_str(), 0);
    av_dict_set(&setting, "threads", "1", 0);
  }
  status = avformat_find_stream_info(demuxer, settings.data());
  for (AVDictionary*& setting : settings) av_dict_free(&setting);
  if (status < 0) return refused(status);
  const AVCodec* codec = nullptr;
  const int index = av_find_best_stream(demuxer, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (index < 0 || codec == nullptr) {
    return base::unsupported(name_ + " holds no video that can be decoded: convert it to .mp4 with H.264");
  }
  stream_ = demuxer->streams[index];
  for (unsigned i = 0; i < demuxer->nb_streams; ++i) {
    if (static_cast<int>(i) != index) demuxer->streams[i]->discard = AVDISCARD_ALL;
  }
  context_.reset(avcodec_alloc_context3(codec));
  if (context_ == nullptr || avcodec_parameters_to_context(context_.get(), stream_->codecpar) < 0) return no_memory;
  STARLING_TRY(check_pixels(stream_->codecpar->width, stream_->codecpar->height));
  context_->pkt_timebase = stream_->time_base;
  context_->max_pixels = options_.max_pixels;
  context_->thread_count = 1;
  context_->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
  context_->error_concealment = 0;
  context_->flags |= AV_CODEC_FLAG_BITEXACT;
  context_->export_side_data |= AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS;
  status = avcodec_open2(context_.get(), codec, nullptr);
  if (status < 0) return refused(status);
  STARLING_TRY(check_complete());

  info_.container = demuxer->iformat->name;
  info_.codec = codec->name;
  auto rate = usable_rate(stream_->avg_frame_rate);
  if (!rate) rate = usable_rate(stream_->r_frame_rate);
  info_.rate = options_.rate ? *options_.rate : rate.value_or(Rate{});
  orientation_ = orientation_of(
      reinterpret_cast<const std::int32_t*>(av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr)));
  TimedPicture first;
  STARLING_ASSIGN(const bool any, next(first));
  if (!any) return damaged("it has no frames");
  info_.width = first.picture.width;
  info_.height = first.picture.height;
  info_.lossless = is_lossless(codec->id, context_->pix_fmt, *frame_);
  first_ = std::move(first);
  return {};
}

Status Decoder::check_complete() {
  if (!is_complete(*input_, *stream_, demuxer_->iformat->name)) return damaged("it ends before its last frame");
  return {};
}

Status Decoder::feed() {
  while (true) {
    av_packet_unref(packet_.get());
    int status = av_read_frame(demuxer_.get(), packet_.get());
    if (status == AVERROR_EOF) {
      // A reader's error can hide behind an end.
      if (input_->context()->error < 0 && input_->context()->error != AVERROR_EOF) {
        return damaged(ffmpeg_reason(input_->context()->error));
      }
      status = avcodec_send_packet(context_.get(), nullptr);
      if (status < 0 && status != AVERROR_EOF) return refused(status);
      return {};
    }
    if (status < 0) return refused(status);
    if (packet_->stream_index != stream_->index) continue;
    if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0) return damaged("a frame of it is cut short");
    status = avcodec_send_packet(context_.get(), packet_.get());
    if (status < 0) return refused(status);
    return {};
  }
}

Result<bool> Decoder::decode() {
  while (true) {
    av_frame_unref(frame_.get());
    const int status = avcodec_receive_frame(context_.get(), frame_.get());
    if (status == AVERROR_EOF) return false;
    if (status >= 0) return true;
    if (status != AVERROR(EAGAIN)) return refused(status);
    STARLING_TRY(feed());
  }
}

Status Decoder::deliver(TimedPicture& out) {
  const AVFrame& frame = *frame_;
  if ((frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0) {
    return damaged("frame " + std::to_string(decoded_) + " of it is broken");
  }
  STARLING_TRY(check_pixels(frame.width, frame.height));
  if (++decoded_ > options_.max_frames) {
    return Error{ErrorCode::kLimit, name_ + " has more than " + std::to_string(options_.max_frames) +
                                        " frames: cut it into shorter pieces"};
  }
  STARLING_TRY(converter_.convert(frame, out.picture));
  const AVFrameSideData* turned = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  const bool whole = turned != nullptr && turned->size >= 9 * sizeof(std::int32_t);
  orient(whole ? orientation_of(reinterpret_cast<const std::int32_t*>(turned->data)) : orientation_, out.picture);
  if (info_.width != 0 && (out.picture.width != info_.width || out.picture.height != info_.height)) {
    return base::unsupported(name_ + " changes its size in the middle: convert it to one size");
  }
  const Rate aspect = pixel_aspect_of(av_guess_sample_aspect_ratio(demuxer_.get(), stream_, frame_.get()));
  if (decoded_ == 1) info_.pixel_aspect = aspect;
  if (aspect != info_.pixel_aspect) {
    return base::unsupported(name_ + " changes the shape of its pixels in the middle: convert it to one shape");
  }

  const std::int64_t time =
      frame.best_effort_timestamp == AV_NOPTS_VALUE ? last_time_ + origin_ + out.duration : frame.best_effort_timestamp;
  if (time > kFarthestTime || time < -kFarthestTime) return damaged("its times are absurd");
  if (decoded_ == 1) origin_ = time;
  last_time_ = std::max(last_time_, time - origin_);
  out.time = last_time_;
  const AVRational frame_time = av_inv_q(to_rational(info_.rate));
  const std::int64_t usual = av_rescale_q(1, frame_time, time_base());
  out.has_duration = frame.pkt_duration > 0;
  out.duration =
      std::max<std::int64_t>(1, frame.pkt_duration > 0 ? std::min(frame.pkt_duration, kFarthestTime) : usual);
  return {};
}

Result<bool> Decoder::next(TimedPicture& out) {
  if (first_) {
    out = std::move(*first_);
    first_.reset();
    return true;
  }
  STARLING_ASSIGN(const bool any, decode());
  if (any) STARLING_TRY(deliver(out));
  return any;
}

}  // namespace starling::video
