#include "api/videos/video_events.h"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "api/videos/base64.h"
#include "api/videos/errors.h"
#include "api/videos/event_stream.h"

namespace starling::api::videos {
namespace {

constexpr std::chrono::seconds kSignOfLife{10};
constexpr std::array<const char*, 4> kNames = {"video.queued", "video.in_progress", "video.completed", "video.failed"};

}  // namespace

class VideoEvents::Stream final : public EventStream, public std::enable_shared_from_this<Stream> {
 public:
  Stream(jobs::VideoQueue& queue, std::string id, Turns::Turn turn)
      : queue_(queue), id_(std::move(id)), turn_(std::move(turn)) {}

  void begin() {
    watch_ = queue_.watch(
        id_,
        [weak = weak_from_this()](const jobs::VideoPointer& video) {
          if (const auto self = weak.lock()) self->see(video);
        },
        [weak = weak_from_this()](const jobs::Preview& preview) {
          if (const auto self = weak.lock()) self->show(preview);
        });
  }
  void close() override {
    queue_.stop_watching(id_, watch_);
    EventStream::close();
    turn_.reset();
  }

 private:
  void see(const jobs::VideoPointer& video) {
    if (video == nullptr) {
      base::Json json = base::Json::empty_object();
      json.set("id", id_);
      json.set("deleted", true);
      json.set("object", "video.deleted");
      send("video.deleted", json, true);
      return;
    }
    send(kNames.at(static_cast<std::size_t>(shown_status(*video))), video_json(*video), jobs::is_over(video->status));
  }
  void show(const jobs::Preview& preview) {
    base::Json json = base::Json::empty_object();
    json.set("id", id_);
    json.set("object", "video.preview");
    json.set("step", preview.step);
    json.set("steps", preview.steps);
    json.set("b64_png", encode_base64(preview.png));
    send_if_idle("video.preview", json);
  }

  jobs::VideoQueue& queue_;
  const std::string id_;
  std::uint64_t watch_ = 0;
  std::optional<Turns::Turn> turn_;  // until it is closed
};

VideoEvents::VideoEvents(jobs::VideoQueue& queue, std::size_t most_streams, std::size_t most_of_one)
    : queue_(queue), turns_(most_streams, most_of_one), thread_([this] { run(); }) {}

VideoEvents::~VideoEvents() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void VideoEvents::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, kSignOfLife, [this] { return stopping_ || look_; });
    if (stopping_) return;
    look_ = false;
    std::erase_if(streams_, [](const std::weak_ptr<Stream>& stream) { return stream.expired(); });
    const std::vector<std::weak_ptr<Stream>> streams = streams_;
    lock.unlock();
    for (const std::weak_ptr<Stream>& weak : streams) {
      if (const auto stream = weak.lock()) stream->send_sign_of_life();
    }
    lock.lock();
  }
}

Response VideoEvents::open(const std::string& owner, const std::string& id) {
  Turns::Turn turn = turns_.take(owner);
  if (!turn.taken()) {
    {
      const std::lock_guard lock(mutex_);
      look_ = true;
    }
    changed_.notify_all();
    return refuse(503, "too_many_streams", "",
                  "as many streams of events are open as may be, in all or of yours; ask for the status");
  }
  const auto stream = std::make_shared<Stream>(queue_, id, std::move(turn));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [](const std::weak_ptr<Stream>& other) { return other.expired(); });
    streams_.push_back(stream);
  }
  stream->begin();
  return event_response(stream);
}

Route video_events_route(const Gateway& gateway, VideoEvents& events) {
  return get_route("/v1/videos/{id}/events", [gateway, &events](const Request& request) {
    const std::string& id = request.parameter("id");
    const std::string owner = gateway.access->owner_of(request);
    if (gateway.queue->find(owner, id) == nullptr) return no_such_video(id);
    return events.open(owner, id);
  });
}

}  // namespace starling::api::videos
