#include "api/videos/image_endpoints.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/videos/asking.h"
#include "api/videos/base64.h"
#include "api/videos/errors.h"
#include "api/videos/turns.h"
#include "api/videos/video_source.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "jobs/video_files.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostImageBody = std::size_t{1} << 20;
constexpr std::int64_t kMostPictures = 8;
constexpr std::size_t kMostAtATime = 16;  // requests that wait for their pictures, each on a worker of the server
constexpr std::size_t kMostOfOne = 4;
constexpr std::chrono::minutes kPatience{10};
constexpr std::chrono::milliseconds kPause{200};  // between looks whether it is of use to wait
constexpr std::size_t kMostPictureBytes = std::size_t{256} << 20;

// How waiting for them came out.
enum class Waited : std::uint8_t { kMade, kLate, kLeft };

// How many videos are not over yet.
struct Countdown {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t left = 0;
};

// What OpenAI's clients may say of a picture beside that, and which values of it hold here: some of what every picture
// is, others of how well it may be made, which `steps` says here.
struct Said {
  std::string_view name;
  std::string_view values;  // with a space between
};
constexpr std::array kSaid = {
    Said{"quality", "auto low medium high standard hd"},
    Said{"background", "auto opaque"},
    Said{"moderation", "auto low"},
    Said{"output_format", "png"},
    Said{"output_compression", "100"},
    Said{"style", "vivid natural"},
    Said{"stream", "false"},
    Said{"partial_images", "0"},
};

const Said* find_said(const std::string& name) {
  const auto found = std::ranges::find(kSaid, name, &Said::name);
  return found == kSaid.end() ? nullptr : &*found;
}

bool is_openai_model(const base::Json& model) {
  constexpr std::size_t kLongest = 64;  // bytes
  const auto name = model.as_text();
  const auto is_of = [&](std::string_view kin) { return name->starts_with(kin); };
  return name.ok() && name->size() <= kLongest && (is_of("gpt-image-") || is_of("dall-e-") || is_of("chatgpt-image-"));
}

std::optional<Response> refuse_said(const Said& said, const base::Json& given) {
  if (given.is_null()) return std::nullopt;
  const auto text = given.as_text();
  const std::string value = text.ok() ? *text : given.to_text();
  std::string choices;
  for (std::size_t at = 0; at < said.values.size();) {
    const std::size_t end = std::min(said.values.find(' ', at), said.values.size());
    const std::string_view choice = said.values.substr(at, end - at);
    if (value == choice) return std::nullopt;
    choices.append(choices.empty() ? "" : ", ").append(choice);
    at = end + 1;
  }
  return refuse_parameter(said.name, "'" + std::string(said.name) + "' may be " + choices + " here");
}

// What is asked for in a request: how many, and whether they come in the answer.
struct Wanted {
  std::int64_t count = 1;
  bool inside = true;
};

Asked<Wanted> read_wanted(const base::Json& parameters) {
  Wanted wanted;
  if (const base::Json* const count = parameters.find("n"); count != nullptr && !count->is_null()) {
    const auto given = count->as_integer(1, kMostPictures);
    if (!given.ok()) return refuse_parameter("n", "'n' is a number from 1 to " + std::to_string(kMostPictures));
    wanted.count = *given;
  }
  if (const base::Json* const form = parameters.find("response_format"); form != nullptr && !form->is_null()) {
    const auto given = form->as_text();
    if (!given.ok() || (*given != "b64_json" && *given != "url")) {
      return refuse_parameter("response_format", "'response_format' is b64_json or url");
    }
    wanted.inside = *given == "b64_json";
  }
  for (const char* const name : {"seconds", "num_frames", "fps", "video", "to", "input_reference"}) {
    if (parameters.has(name))
      return refuse(400, "unknown_parameter", name, "a picture is made of text, and has no duration");
  }
  return wanted;
}

// Of one of the pictures of a request; empty if that has none. No header holds a line's end: no other request has such
// a name.
std::string name_of(const Asking& asking, std::size_t picture) {
  return asking.idempotency.empty() ? std::string() : asking.idempotency + "\n" + std::to_string(picture);
}

class Pictures {
 public:
  // Those that have a name are kept, for whoever sends the request again.
  Pictures(const Gateway& gateway, Asking asking)
      : gateway_(gateway), asking_(std::move(asking)), kept_(!asking_.idempotency.empty()) {}
  ~Pictures() {
    for (const std::string& id : ids_) {
      if (!kept_) (void)gateway_.queue->remove(asking_.owner, id);
    }
  }
  Pictures(const Pictures&) = delete;
  Pictures& operator=(const Pictures&) = delete;

  base::Status ask(jobs::NewVideo video) {
    video.owner = asking_.owner;
    video.awaited = true;
    video.body = asking_.body;
    video.idempotency = name_of(asking_, ids_.size());
    STARLING_ASSIGN(const auto submitted, gateway_.queue->submit(video, gateway_.now()));
    ids_.push_back(submitted.video->id);
    return {};
  }
  // Until all of them are over, or whoever asks has gone, or the time is, or the process is to end.
  Waited wait(const Request& request) const {
    const auto countdown = std::make_shared<Countdown>();
    countdown->left = ids_.size();
    std::vector<std::uint64_t> watches;
    for (const std::string& id : ids_) {
      auto over = std::make_shared<std::atomic<bool>>(false);
      watches.push_back(gateway_.queue->watch(id, [countdown, over](const jobs::VideoPointer& video) {
        if ((video != nullptr && !jobs::is_over(video->status)) || over->exchange(true)) return;
        const std::lock_guard lock(countdown->mutex);
        if (--countdown->left == 0) countdown->changed.notify_all();
      }));
    }
    std::unique_lock lock(countdown->mutex);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    const auto over = [&] { return countdown->left == 0; };
    bool all = over();
    bool left = false;
    while (!all && !left && !base::interrupted() && std::chrono::steady_clock::now() < end) {
      all = countdown->changed.wait_for(lock, kPause, over);
      left = !all && request.is_left();
    }
    lock.unlock();
    for (std::size_t i = 0; i < ids_.size(); ++i) gateway_.queue->stop_watching(ids_[i], watches[i]);
    return all ? Waited::kMade : left ? Waited::kLeft : Waited::kLate;
  }
  Response answer(const Wanted& wanted, const std::string& host) {
    base::Json data = base::Json::empty_array();
    for (const std::string& id : ids_) {
      const jobs::VideoPointer video = gateway_.queue->find(asking_.owner, id);
      if (video == nullptr) return refuse(404, "not_found", "", "the picture was deleted on the way");
      if (video->failure) {
        constexpr int kTooMany = 429;
        const bool budget = video->failure->code == jobs::kOverBudget;
        return refuse(budget ? kTooMany : 503, video->failure->code, "", video->failure->message);
      }
      base::Json picture = base::Json::empty_object();
      if (wanted.inside) {
        const auto bytes = base::read_file(jobs::VideoPaths(gateway_.queue->folder(id)).thumbnail, kMostPictureBytes);
        if (!bytes.ok()) return refuse(bytes.error());
        picture.set("b64_json", encode_base64(*bytes));
      } else {
        std::string url = gateway_.public_url.empty() ? gateway_.scheme + "://" + host : gateway_.public_url;
        url.append("/v1/videos/").append(id).append("/content?variant=thumbnail");
        picture.set("url", std::move(url));
      }
      picture.set("revised_prompt", base::Json());
      data.push(std::move(picture));
    }
    kept_ = kept_ || !wanted.inside;
    base::Json json = base::Json::empty_object();
    json.set("created", gateway_.now());
    json.set("data", std::move(data));
    return json_response(json);
  }

 private:
  const Gateway& gateway_;
  const Asking asking_;
  std::vector<std::string> ids_;
  bool kept_;
};

Response generate(const Gateway& gateway, const Request& request) {
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  Asked<Wanted> wanted = read_wanted(parameters.value->values);
  if (wanted.refusal) return std::move(*wanted.refusal);
  Parameters frame{base::Json::empty_object(), {}};
  for (const base::JsonMember& member : parameters.value->values.members()) {
    const std::string& name = member.key;
    if (const Said* const said = find_said(name); said != nullptr) {
      if (auto refusal = refuse_said(*said, member.value)) return std::move(*refusal);
    } else if (name != "n" && name != "response_format" && (name != "model" || !is_openai_model(member.value))) {
      frame.values.set(name, member.value);
    }
  }
  frame.values.set("num_frames", 1);
  Asked<Asking> asking = read_asking(gateway, request, *parameters.value);
  if (asking.refusal) return std::move(*asking.refusal);
  const auto known = gateway.queue->knows(asking.value->owner, name_of(*asking.value, 0));
  if (!known.ok()) return refuse(known.error());
  if (!*known) {
    if (auto refusal = refuse_spent(gateway, request)) return std::move(*refusal);
  }
  Pictures pictures(gateway, *asking.value);
  for (std::int64_t i = 0; i < wanted.value->count; ++i) {
    Asked<jobs::NewVideo> video = read_video_request(frame, gateway.rules, base::random_u64());
    if (video.refusal) return std::move(*video.refusal);
    if (auto refusal = refuse_long(gateway, asking.value->owner, *video.value)) return std::move(*refusal);
    if (i == 0 && !*known) {
      const auto count = static_cast<std::uint64_t>(wanted.value->count);
      if (auto refusal = refuse_price(gateway, request, *video.value, count)) return std::move(*refusal);
    }
    const base::Status asked = pictures.ask(std::move(*video.value));
    if (!asked.ok()) return refuse_submission(asked.error());
  }
  switch (pictures.wait(request)) {
    case Waited::kMade:
      return pictures.answer(*wanted.value, request.header("host"));
    case Waited::kLeft:
      return refuse(503, "busy", "", "whoever asked for the picture has gone");
    case Waited::kLate:
      break;
  }
  return refuse(503, "busy", "", "the picture is not made yet, others are before it; ask again later");
}

}  // namespace

Route image_route(const Gateway& gateway) {
  Route route;
  route.method = Method::kPost;
  route.pattern = "/v1/images/generations";
  route.body_limit = kMostImageBody;
  route.runs = Runs::kOnWorker;
  route.handler = [gateway, turns = std::make_shared<Turns>(kMostAtATime, kMostOfOne)](const Request& request) {
    const Turns::Turn turn = turns->take(gateway.access->owner_of(request));
    if (turn.taken()) return generate(gateway, request);
    return refuse(
        503, "busy", "",
        "as many requests for pictures are being waited for as may be, in all or of yours; ask again when one "
        "of them is answered");
  };
  return route;
}

}  // namespace starling::api::videos
