#include "video/round_trip.h"

#include <algorithm>

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

// Copies what both pictures hold; beyond the frame's edges its last column and row are repeated.
void copy_padded(const FrameView& from, Picture& to) {
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(std::min(y, from.height - 1)) * from.width +
                             static_cast<std::size_t>(std::min(x, from.width - 1));
      std::copy_n(from.rgb.data() + 3 * at, 3, &to.rgb[3 * (static_cast<std::size_t>(y) * to.width + x)]);
    }
  }
}

Picture black(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width) * height)};
}

Error failure(int status) { return {ErrorCode::kInternal, "the reference decoder failed: " + ffmpeg_reason(status)}; }

}  // namespace

Result<std::unique_ptr<RoundTrip>> RoundTrip::open(int width, int height, Rate rate, int quality) {
  STARLING_TRY(check_size(width, height));
  auto trip = std::make_unique<RoundTrip>();
  trip->width_ = width;
  trip->height_ = height;
  trip->padded_ = black(width + width % 2, height + height % 2);
  STARLING_ASSIGN(trip->encoder_, Encoder::open({.codec = Codec::kH264,
                                                 .width = trip->padded_.width,
                                                 .height = trip->padded_.height,
                                                 .rate = rate,
                                                 .quality = quality,
                                                 .short_delay = true}));
  const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_H264);
  if (codec == nullptr) return base::unsupported("the installed FFmpeg libraries cannot decode H.264");
  trip->decoder_.reset(avcodec_alloc_context3(codec));
  trip->frame_.reset(av_frame_alloc());
  if (trip->decoder_ == nullptr || trip->frame_ == nullptr) return failure(AVERROR(ENOMEM));
  trip->decoder_->thread_count = 1;
  trip->decoder_->flags |= AV_CODEC_FLAG_BITEXACT;
  const int status = avcodec_open2(trip->decoder_.get(), codec, nullptr);
  if (status < 0) return failure(status);
  return trip;
}

Status RoundTrip::send(const FrameView& frame) {
  copy_padded(frame, padded_);
  STARLING_TRY(encoder_->send(padded_.view()));
  return drain();
}

Status RoundTrip::flush() {
  STARLING_TRY(encoder_->flush());
  STARLING_TRY(drain());
  return decode(nullptr);
}

Status RoundTrip::drain() {
  while (true) {
    STARLING_ASSIGN(const AVPacket* packet, encoder_->receive());
    if (packet == nullptr) return {};
    STARLING_TRY(decode(packet));
  }
}

Status RoundTrip::decode(const AVPacket* packet) {
  int status = avcodec_send_packet(decoder_.get(), packet);
  if (status < 0) return failure(status);
  while (true) {
    av_frame_unref(frame_.get());
    status = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return {};
    if (status < 0) return failure(status);
    Picture shown;
    STARLING_TRY(converter_.convert(*frame_, shown));
    if (shown.width == width_ && shown.height == height_) {
      done_.push_back(std::move(shown));
    } else {
      done_.push_back(black(width_, height_));
      copy_padded(shown.view(), done_.back());
    }
  }
}

bool RoundTrip::receive(Picture& out) {
  if (done_.empty()) return false;
  out = std::move(done_.front());
  done_.pop_front();
  return true;
}

}  // namespace starling::video
