#pragma once

// The FFmpeg libraries' objects as owned C++ values. Included only by .cpp files of this folder.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/video_enc_params.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "base/result.h"
#include "video/frames.h"

namespace starling::video {

struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeCodecContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
// An output container with the file it writes to, if any.
struct FreeMuxer {
  void operator()(AVFormatContext* muxer) const;
};
struct FreeDemuxer {
  void operator()(AVFormatContext* demuxer) const { avformat_close_input(&demuxer); }
};

using FramePointer = std::unique_ptr<AVFrame, FreeFrame>;
using PacketPointer = std::unique_ptr<AVPacket, FreePacket>;
using CodecContextPointer = std::unique_ptr<AVCodecContext, FreeCodecContext>;
using ScalerPointer = std::unique_ptr<SwsContext, FreeScaler>;
using MuxerPointer = std::unique_ptr<AVFormatContext, FreeMuxer>;
using DemuxerPointer = std::unique_ptr<AVFormatContext, FreeDemuxer>;

// The library's words for one of its error numbers, such as "No space left on device".
std::string ffmpeg_reason(int number);

// Keeps the FFmpeg libraries from writing remarks of their own to stderr: what matters comes back as an error. Every
// entry point of this folder calls it before the library.
void silence_library();

inline AVRational to_rational(Rate rate) { return {rate.numerator, rate.denominator}; }

}  // namespace starling::video
