#include <cerrno>
#include <fstream>
#include <string>

#include "base/file.h"
#include "video/encoder.h"
#include "video/writers.h"
#include "video/xmp.h"

namespace starling::video {

using base::Error;
using base::ErrorCode;
using base::Result;
using base::Status;

namespace {

// How a container is called in the library and what it is filled with.
struct Container {
  FileType type;
  const char* muxer;
  Codec codec;
  const char* options;
  int worst_quality;  // the end of the scale of WriterOptions::quality; -1: the codec has none
  int fastest;        // frames a second
};

constexpr Container kContainers[] = {
    {FileType::kMp4, "mp4", Codec::kH264, "movflags=+faststart", 51, kMaxRate},
    {FileType::kWebm, "webm", Codec::kVp9, "", 63, kMaxRate},
    // Its delays are counted in hundredths of a second.
    {FileType::kGif, "gif", Codec::kGif, "", -1, 100},
};

const Container& container_of(FileType type) {
  for (const Container& container : kContainers) {
    if (container.type == type) return container;
  }
  return kContainers[0];
}

// The library reports the system's errors as negated errnos.
Error muxing_error(const std::filesystem::path& path, int status) {
  const int number = AVUNERROR(status);
  if (number > 0 && number < 200) return base::system_error("write", path, number);
  return {ErrorCode::kInternal, "cannot write " + quoted(path) + ": " + ffmpeg_reason(status)};
}

class ContainerWriter final : public Writer {
 public:
  explicit ContainerWriter(base::AtomicFile file) : file_(std::move(file)) {}
  ContainerWriter(const ContainerWriter&) = delete;
  ContainerWriter& operator=(const ContainerWriter&) = delete;
  // An abandoned file's trailer is written too: some muxers give back what they hold only then.
  ~ContainerWriter() override {
    if (open_) av_write_trailer(muxer_.get());
  }

  Status open(const Container& container, int width, int height, const WriterOptions& options);
  Status add(const FrameView& frame) override;
  Status finish(std::string_view xmp) override;

 private:
  Status drain();
  // After the library has closed the file.
  Status append(base::ByteView bytes) const;

  base::AtomicFile file_;  // before the muxer, which closes the file first
  std::unique_ptr<Encoder> encoder_;
  MuxerPointer muxer_;
  bool open_ = false;  // the header is written, the trailer is not
  AVStream* stream_ = nullptr;
  int count_ = 0;
  FileType type_ = FileType::kMp4;
};

Status ContainerWriter::open(const Container& container, int width, int height, const WriterOptions& options) {
  type_ = container.type;
  AVFormatContext* muxer = nullptr;
  int status = avformat_alloc_output_context2(&muxer, nullptr, container.muxer, nullptr);
  if (status < 0) return muxing_error(file_.path(), status);
  muxer_.reset(muxer);
  muxer->flags |= AVFMT_FLAG_BITEXACT;
  STARLING_ASSIGN(encoder_, Encoder::open({.codec = container.codec,
                                           .width = width,
                                           .height = height,
                                           .rate = options.rate,
                                           .lossless = options.lossless,
                                           .quality = options.quality,
                                           .global_header = (muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0}));
  stream_ = avformat_new_stream(muxer, nullptr);
  if (stream_ == nullptr) return muxing_error(file_.path(), AVERROR(ENOMEM));
  stream_->time_base = encoder_->context().time_base;
  stream_->avg_frame_rate = encoder_->context().framerate;
  status = avcodec_parameters_from_context(stream_->codecpar, &encoder_->context());
  if (status < 0) return muxing_error(file_.path(), status);

  const std::string address = "file:" + file_.temporary_path().string();
  // Moving the header to the front reopens the file by this name.
  muxer->url = av_strdup(address.c_str());
  status = avio_open(&muxer->pb, address.c_str(), AVIO_FLAG_WRITE);
  if (status < 0) return muxing_error(file_.path(), status);
  AVDictionary* settings = nullptr;
  av_dict_parse_string(&settings, container.options, "=", ",", 0);
  status = avformat_write_header(muxer, &settings);
  av_dict_free(&settings);
  if (status < 0) return muxing_error(file_.path(), status);
  open_ = true;
  return {};
}

Status ContainerWriter::drain() {
  while (true) {
    STARLING_ASSIGN(AVPacket * packet, encoder_->receive());
    if (packet == nullptr) return {};
    av_packet_rescale_ts(packet, encoder_->context().time_base, stream_->time_base);
    packet->stream_index = stream_->index;
    int status = av_interleaved_write_frame(muxer_.get(), packet);
    if (status >= 0) status = muxer_->pb->error;
    if (status < 0) return muxing_error(file_.path(), status);
  }
}

Status ContainerWriter::add(const FrameView& frame) {
  STARLING_TRY(encoder_->send(frame));
  ++count_;
  return drain();
}

Status ContainerWriter::finish(std::string_view xmp) {
  if (count_ == 0) return base::invalid("cannot write " + quoted(file_.path()) + ": the video has no frames");
  STARLING_TRY(encoder_->flush());
  STARLING_TRY(drain());
  open_ = false;
  int status = av_write_trailer(muxer_.get());
  if (status >= 0) status = muxer_->pb->error;
  const int closed = avio_closep(&muxer_->pb);
  if (status >= 0) status = closed;
  if (status < 0) return muxing_error(file_.path(), status);
  if (type_ == FileType::kMp4 && !xmp.empty()) STARLING_TRY(append(xmp_box(xmp)));
  return file_.commit(base::Durability::kWhole);
}

Status ContainerWriter::append(base::ByteView bytes) const {
  std::ofstream file(file_.temporary_path(), std::ios::binary | std::ios::app);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return base::system_error("write", file_.path(), errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<Writer>> open_container_writer(const std::filesystem::path& path, FileType type, int width,
                                                      int height, const WriterOptions& options) {
  const Container& container = container_of(type);
  if (container.worst_quality < 0 && (options.lossless || options.quality >= 0)) {
    return base::invalid("cannot write " + quoted(path) +
                         " as asked: a GIF has neither a lossless form nor a quality; choose .mp4, .webm or PNG");
  }
  if (container.worst_quality >= 0 && (options.quality < -1 || options.quality > container.worst_quality)) {
    return base::invalid("a quality of " + std::to_string(options.quality) + " does not exist for " + quoted(path) +
                         ": give 0 (best) to " + std::to_string(container.worst_quality));
  }
  if (options.rate.per_second() > container.fastest) {
    return base::invalid(quoted(path) + " can show at most " + std::to_string(container.fastest) +
                         " frames a second: choose a lower rate or another file type");
  }
  base::remove_abandoned(path);
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  auto writer = std::make_unique<ContainerWriter>(std::move(file));
  STARLING_TRY(writer->open(container, width, height, options));
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace starling::video
