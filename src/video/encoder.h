#pragma once

#include <memory>

#include "video/colour.h"
#include "video/ffmpeg.h"
#include "video/frames.h"

namespace starling::video {

enum class Codec { kH264, kVp9, kGif, kPng };

struct EncoderSettings {
  Codec codec = Codec::kH264;
  int width = 0;
  int height = 0;
  Rate rate = {};
  bool lossless = false;
  int quality = -1;            // constant rate factor of H.264 and VP9, lower is better; -1: the codec's default here
  bool short_delay = false;    // H.264: look ahead only a few frames, so that packets come soon
  bool global_header = false;  // the container keeps the codec's headers
};

// Frames into compressed packets, in order. One thread and no clock, so equal frames give equal packets with the same
// version of the library. Lossless H.264 and VP9 keep RGB; otherwise they store BT.709 limited range, 4:2:0, or 4:4:4
// for H.264 with an odd side, since its 4:2:0 has even sizes only. Not thread safe.
class Encoder {
 public:
  static base::Result<std::unique_ptr<Encoder>> open(const EncoderSettings& settings);

  // Precondition: the frame has the settings' size. Take all packets after each call.
  base::Status send(const FrameView& frame);
  // No more frames will come.
  base::Status flush();
  // The next packet, valid until the next call, or null when there is none at present. Its times are in
  // context().time_base.
  base::Result<AVPacket*> receive();

  const AVCodecContext& context() const { return *context_; }

 private:
  CodecContextPointer context_;
  FrameFromRgb converter_;
  PacketPointer packet_;
  std::int64_t next_ = 0;
};

}  // namespace starling::video
