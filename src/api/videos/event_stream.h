#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"
#include "base/json.h"

namespace starling::api::videos {

// The body of a response whose events come as things happen (server-sent events). Thread safe.
class EventStream : public BodyStream {
 public:
  std::optional<std::string> read(std::size_t most, std::function<void()> wake) override;
  void close() override;
  bool closed() const;

  // Whoever does not read misses events, but for the last one.
  void send(std::string_view name, const base::Json& data, bool last);
  // Only if everything before it was read.
  void send_if_idle(std::string_view name, const base::Json& data);
  // A comment: tells whether somebody is still there.
  void send_sign_of_life();

 private:
  // Precondition: mutex_ is held.
  void add(const std::string& text);
  mutable std::mutex mutex_;
  std::string waiting_;
  bool over_ = false;
  bool closed_ = false;
  std::function<void()> wake_;
};

Response event_response(std::shared_ptr<EventStream> stream);

}  // namespace starling::api::videos
