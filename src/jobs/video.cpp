#include "jobs/video.h"

#include <algorithm>
#include <cctype>

#include "base/log.h"

namespace starling::jobs {

namespace {

// Whether a word of a text begins with a slash.
bool names_path(std::string_view text) {
  constexpr std::string_view kBefore = " \"'(";
  for (std::size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at + 1)) {
    const bool begins = at == 0 || kBefore.find(text[at - 1]) != std::string_view::npos;
    if (begins && at + 1 < text.size() && text[at + 1] != ' ') return true;
  }
  return false;
}

}  // namespace

std::string without_paths(const base::Error& error) {
  if (!names_path(error.message)) return error.message;
  base::log(base::LogLevel::kError, error.message);
  return error.code == base::ErrorCode::kIo
             ? "the server cannot write or read its files, as its log says: ask again later, or tell whoever runs it"
             : "something is wrong with the server's files, as its log says: tell whoever runs it";
}

Failure failure_of(const base::Error& error) {
  Failure failure{base::error_code_name(error.code), without_paths(error)};
  std::ranges::transform(failure.code, failure.code.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return failure;
}

KeptText& KeptText::operator=(const KeptText& other) {
  const std::lock_guard lock(mutex_);
  if (this != &other) text_.clear();
  return *this;
}

std::string KeptText::get(const std::function<std::string()>& make) const {
  const std::lock_guard lock(mutex_);
  if (text_.empty()) text_ = make();
  return text_;
}

bool is_over(VideoStatus status) { return status == VideoStatus::kCompleted || status == VideoStatus::kFailed; }

VideoStatus shown_status(const Video& video) {
  const bool waits = video.waits_for != WaitsFor::kNothing && !video.task;
  return waits && video.status == VideoStatus::kInProgress ? VideoStatus::kQueued : video.status;
}

base::Json to_json(const Outcome& outcome) {
  base::Json json = base::Json::empty_object();
  json.set("receipt", outcome.receipt);
  json.set("provider", outcome.provider);
  json.set("price", outcome.price);
  json.set("f32_multiply_adds", outcome.work.f32_multiply_adds);
  json.set("i8_multiply_adds", outcome.work.i8_multiply_adds);
  json.set("elements", outcome.work.elements);
  if (outcome.task.has_value()) json.set("task", *outcome.task);
  return json;
}

base::Result<Outcome> outcome_from_json(const base::Json& json) {
  Outcome outcome;
  STARLING_ASSIGN(outcome.receipt, json.text("receipt"));
  STARLING_ASSIGN(outcome.provider, json.text("provider"));
  STARLING_ASSIGN(outcome.price, json.u64("price"));
  STARLING_ASSIGN(outcome.work.f32_multiply_adds, json.u64("f32_multiply_adds"));
  STARLING_ASSIGN(outcome.work.i8_multiply_adds, json.u64("i8_multiply_adds"));
  STARLING_ASSIGN(outcome.work.elements, json.u64("elements"));
  if (json.has("task")) {
    STARLING_ASSIGN(outcome.task, json.u64("task"));
  }
  return outcome;
}

}  // namespace starling::jobs
