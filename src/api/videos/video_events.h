#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "api/router.h"
#include "api/videos/turns.h"
#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// Streams of what becomes of videos, as server-sent events: each change of a video is an event whose name is "video."
// and its status (or "video.deleted") and whose data is the video, and previews while it is made on this machine; after
// the last one the stream ends. Now and then a comment goes out, so that clients that are gone are noticed; to all when
// somebody gets no stream. Thread safe.
class VideoEvents {
 public:
  // queue outlives this, and this the streams' server.
  explicit VideoEvents(jobs::VideoQueue& queue, std::size_t most_streams = 1000, std::size_t most_of_one = 100);
  ~VideoEvents();
  VideoEvents(const VideoEvents&) = delete;
  VideoEvents& operator=(const VideoEvents&) = delete;

  // The stream of a video that is there, for its owner; 503 when there are as many streams as may be, in all or of one.
  Response open(const std::string& owner, const std::string& id);

 private:
  class Stream;
  void run();
  jobs::VideoQueue& queue_;
  Turns turns_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool look_ = false;  // whether somebody is gone
  std::vector<std::weak_ptr<Stream>> streams_;
  std::thread thread_;
};

// GET /v1/videos/{id}/events.
Route video_events_route(const Gateway& gateway, VideoEvents& events);

}  // namespace starling::api::videos
