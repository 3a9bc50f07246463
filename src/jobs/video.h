#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "exact/graph.h"
#include "generate/text_to_video.h"
#include "jobs/progress.h"

namespace starling::jobs {

enum class VideoStatus : std::uint8_t { kQueued, kInProgress, kCompleted, kFailed };
enum class WaitsFor : std::uint8_t { kNothing, kProvider, kNetwork };

// Why a video could not be made.
struct Failure {
  std::string code;     // a word of a-z and _
  std::string message;  // one sentence
};
// As its owner is told: what names files of this machine is left to the log.
Failure failure_of(const base::Error& error);
// The code of what the budget of the owner's key did not cover.
inline constexpr std::string_view kOverBudget = "insufficient_quota";

// The message of an error; but another sentence when it names a file by its whole path: then the message is logged.
std::string without_paths(const base::Error& error);

// What a video that was made has beside its files.
struct Outcome {
  std::string receipt;      // SHA-256 of the receipt's text, hexadecimal
  std::string provider;     // address of whoever signed the receipt
  std::uint64_t price = 0;  // motes that were paid
  exact::Work work;
  std::optional<std::uint64_t> task;  // on a network
};
base::Json to_json(const Outcome& outcome);
base::Result<Outcome> outcome_from_json(const base::Json& json);

// A text that is made of a video once, for all who ask. A copy of the video has none of it. Thread safe.
class KeptText {
 public:
  KeptText() = default;
  KeptText(const KeptText& /*other*/) {}  // NOLINT(bugprone-copy-constructor-init)
  KeptText& operator=(const KeptText& other);
  ~KeptText() = default;

  std::string get(const std::function<std::string()>& make) const;

 private:
  mutable std::mutex mutex_;
  mutable std::string text_;  // empty: none was made
};

// One video that was asked for, as it was at one moment. Times are Unix seconds.
struct Video {
  std::string id;            // "video_" and 48 hexadecimal digits
  std::uint64_t number = 0;  // ascending in the order of submission
  std::string owner;         // the id of a key; empty: of whoever asks without one
  std::string model;         // as it was asked for
  std::string seconds;       // duration, as it was asked for or follows from the frames
  std::string source;        // id of the video that it goes on from, if it is one of these
  bool awaited = false;      // the request that asked for it is answered when it is over; nobody else is told
  generate::TextToVideo request;
  VideoStatus status = VideoStatus::kQueued;
  Progress progress;
  WaitsFor waits_for = WaitsFor::kNothing;  // while it is in progress
  std::int64_t created_at = 0;
  std::optional<std::int64_t> completed_at;
  std::optional<std::int64_t> expires_at;
  std::optional<Failure> failure;
  std::optional<Outcome> outcome;
  std::optional<std::uint64_t> task;  // that was submitted for it
  KeptText shown;                     // to clients
};
using VideoPointer = std::shared_ptr<const Video>;

// What a video that is being made looks like by now.
struct Preview {
  std::uint32_t step = 0;  // of all windows together, from 1
  std::uint32_t steps = 0;
  base::Bytes png;
};

bool is_over(VideoStatus status);
// As clients see it: before a network has taken its task, a video that waits for one is still queued.
VideoStatus shown_status(const Video& video);

}  // namespace starling::jobs
