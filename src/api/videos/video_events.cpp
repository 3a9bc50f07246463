#include "api/videos/video_events.h"

#include <array>
#include <chrono>
#include <utility>

#include "api/videos/errors.h"

namespace starling::api::videos {
namespace {

constexpr std::chrono::seconds kSignOfLife{10};
constexpr std::size_t kMostWaiting = std::size_t{1} << 20;  // bytes that a client has not read
constexpr std::array<const char*, 4> kNames = {"video.queued", "video.in_progress", "video.completed", "video.failed"};

}  // namespace

class VideoEvents::Stream final : public BodyStream, public std::enable_shared_from_this<Stream> {
 public:
  Stream(jobs::VideoQueue& queue, std::string id) : queue_(queue), id_(std::move(id)) {}

  void begin() {
    watch_ = queue_.watch(id_, [weak = weak_from_this()](const jobs::VideoPointer& video) {
      if (const auto self = weak.lock()) self->see(video);
    });
  }
  std::optional<std::string> read(std::size_t most, std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() && over_) return std::nullopt;
    std::string text = waiting_.substr(0, most);
    waiting_.erase(0, text.size());
    if (text.empty()) wake_ = std::move(wake);
    return text;
  }
  void close() override {
    queue_.stop_watching(id_, watch_);
    const std::lock_guard lock(mutex_);
    over_ = true;
    wake_ = nullptr;
  }
  void add(const std::string& text, bool last) {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    // Who does not read misses what is between.
    if (waiting_.size() < kMostWaiting || last) waiting_ += text;
    over_ = last;
    if (const auto wake = std::exchange(wake_, nullptr)) wake();
  }

 private:
  void see(const jobs::VideoPointer& video) {
    if (video == nullptr) {
      base::Json json = base::Json::empty_object();
      json.set("id", id_);
      json.set("deleted", true);
      json.set("object", "video.deleted");
      add("event: video.deleted\ndata: " + json.to_text() + "\n\n", true);
      return;
    }
    add(std::string("event: ") + kNames.at(static_cast<std::size_t>(video->status)) +
            "\ndata: " + video_json(*video).to_text() + "\n\n",
        jobs::is_over(video->status));
  }

  jobs::VideoQueue& queue_;
  const std::string id_;
  std::uint64_t watch_ = 0;
  std::mutex mutex_;
  std::string waiting_;
  bool over_ = false;
  std::function<void()> wake_;
};

VideoEvents::VideoEvents(jobs::VideoQueue& queue, std::size_t most_streams)
    : queue_(queue), most_streams_(most_streams), thread_([this] { run(); }) {}

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
  while (!changed_.wait_for(lock, kSignOfLife, [this] { return stopping_; })) {
    std::erase_if(streams_, [](const std::weak_ptr<Stream>& stream) { return stream.expired(); });
    const std::vector<std::weak_ptr<Stream>> streams = streams_;
    lock.unlock();
    for (const std::weak_ptr<Stream>& weak : streams) {
      if (const auto stream = weak.lock()) stream->add(": still here\n\n", false);
    }
    lock.lock();
  }
}

Response VideoEvents::open(const std::string& id) {
  const auto stream = std::make_shared<Stream>(queue_, id);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [](const std::weak_ptr<Stream>& other) { return other.expired(); });
    if (streams_.size() >= most_streams_) {
      return refuse(503, "too_many_streams", "", "as many streams of events are open as may be; ask for the status");
    }
    streams_.push_back(stream);
  }
  stream->begin();
  Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = stream;
  return response;
}

Route video_events_route(const Gateway& gateway, VideoEvents& events) {
  return get_route("/v1/videos/{id}/events", [gateway, &events](const Request& request) {
    const std::string& id = request.parameter("id");
    if (gateway.queue->find(gateway.access->owner_of(request), id) == nullptr) return no_such_video(id);
    return events.open(id);
  });
}

}  // namespace starling::api::videos
