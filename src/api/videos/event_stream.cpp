#include "api/videos/event_stream.h"

#include <utility>

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostWaiting = std::size_t{1} << 20;  // bytes that a client has not read

std::string event_text(std::string_view name, const base::Json& data) {
  return "event: " + std::string(name) + "\ndata: " + data.to_text() + "\n\n";
}

}  // namespace

std::optional<std::string> EventStream::read(std::size_t most, std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && over_) return std::nullopt;
  std::string text = waiting_.substr(0, most);
  waiting_.erase(0, text.size());
  if (text.empty()) wake_ = std::move(wake);
  return text;
}

void EventStream::close() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  closed_ = true;
  wake_ = nullptr;
}

bool EventStream::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void EventStream::send(std::string_view name, const base::Json& data, bool last) {
  const std::string text = event_text(name, data);
  const std::lock_guard lock(mutex_);
  if (over_) return;
  over_ = last;
  if (waiting_.size() < kMostWaiting || last) add(text);
}

void EventStream::send_if_idle(std::string_view name, const base::Json& data) {
  const std::string text = event_text(name, data);
  const std::lock_guard lock(mutex_);
  if (!over_ && waiting_.empty()) add(text);
}

void EventStream::send_sign_of_life() {
  const std::lock_guard lock(mutex_);
  if (!over_ && waiting_.size() < kMostWaiting) add(": still here\n\n");
}

void EventStream::add(const std::string& text) {
  waiting_ += text;
  if (const auto wake = std::exchange(wake_, nullptr)) wake();
}

Response event_response(std::shared_ptr<EventStream> stream) {
  Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = std::move(stream);
  return response;
}

}  // namespace starling::api::videos
