#include "api/videos/video_endpoints.h"

#include <array>
#include <chrono>
#include <utility>

#include "api/ranged_file.h"
#include "api/videos/asking.h"
#include "api/videos/errors.h"
#include "api/videos/turns.h"
#include "api/videos/video_source.h"
#include "base/random.h"
#include "jobs/video_files.h"

namespace starling::api::videos {
namespace {

using jobs::Video;
using jobs::VideoPointer;
using jobs::VideoStatus;

constexpr std::size_t kMostVideoBody = std::size_t{16} << 20;
constexpr std::uint64_t kMostListed = 100;
constexpr std::uint64_t kListed = 20;
// Programs that are planned at a time, for quotes, and built, for videos of another size or duration than those before.
constexpr std::size_t kMostQuotes = 4;
constexpr std::size_t kMostQuotesOfOne = 2;
constexpr std::chrono::seconds kBuildPatience{5};  // of those who ask for a video

constexpr std::array<const char*, 4> kStatusNames = {"queued", "in_progress", "completed", "failed"};

base::Json or_null(const std::optional<std::int64_t>& value) { return value ? base::Json(*value) : base::Json(); }

base::Json work_json(const exact::Work& work) {
  base::Json json = base::Json::empty_object();
  json.set("f32_multiply_adds", work.f32_multiply_adds);
  json.set("i8_multiply_adds", work.i8_multiply_adds);
  json.set("elements", work.elements);
  return json;
}

base::Json outcome_json(const Video& video) {
  base::Json json = base::Json::empty_object();
  json.set("seed", video.request.seed);
  json.set("steps", video.request.steps);
  json.set("frames", video.request.frames);
  json.set("fps", video.request.rate.text());
  if (video.task) json.set("task", std::to_string(*video.task));
  if (video.status == VideoStatus::kInProgress && video.progress.steps > 0) {
    json.set("step", video.progress.step);
    json.set("last_step", video.progress.steps);
  }
  if (video.status == VideoStatus::kInProgress && video.waits_for != jobs::WaitsFor::kNothing) {
    json.set("waits_for", video.waits_for == jobs::WaitsFor::kNetwork ? "network" : "provider");
  }
  for (const char* const name : {"receipt", "price", "work", "provider"}) json.set(name, base::Json());
  if (!video.outcome) return json;
  json.set("receipt", video.outcome->receipt);
  json.set("price", std::to_string(video.outcome->price));
  json.set("work", work_json(video.outcome->work));
  json.set("provider", video.outcome->provider);
  return json;
}

// One variant of GET /v1/videos/{id}/content.
struct Variant {
  std::string_view name;
  std::filesystem::path jobs::VideoPaths::*path;
  const char* type;
};
constexpr std::array<Variant, 8> kVariants = {{{"video", &jobs::VideoPaths::video, "video/mp4"},
                                               {"thumbnail", &jobs::VideoPaths::thumbnail, "image/png"},
                                               {"spritesheet", &jobs::VideoPaths::spritesheet, "image/png"},
                                               {"receipt", &jobs::VideoPaths::receipt, "application/json"},
                                               {"trace", &jobs::VideoPaths::trace, "application/octet-stream"},
                                               {"inputs", &jobs::VideoPaths::inputs, "application/octet-stream"},
                                               {"calls", &jobs::VideoPaths::calls, "application/json"},
                                               {"program", &jobs::VideoPaths::program, "application/octet-stream"}}};

Turns& quote_turns() {
  static Turns turns(kMostQuotes, kMostQuotesOfOne);
  return turns;
}

// Enters what is asked for, in the name of whoever asks.
Response submit(const Gateway& gateway, const Request& request, const Parameters& parameters, const Source& source) {
  Asked<Asking> asking = read_asking(gateway, request, parameters);
  if (asking.refusal) return std::move(*asking.refusal);
  // What was taken before is there, whatever is left by now.
  const auto known = gateway.queue->knows(asking.value->owner, asking.value->idempotency);
  if (!known.ok()) return refuse(known.error());
  if (!*known) {
    if (auto refusal = refuse_spent(gateway, request)) return std::move(*refusal);
  }
  Asked<jobs::NewVideo> asked = read_video_request(parameters, gateway.rules, base::random_u64(), source);
  if (asked.refusal) return std::move(*asked.refusal);
  jobs::NewVideo& video = *asked.value;
  video.owner = asking.value->owner;
  video.idempotency = asking.value->idempotency;
  video.body = asking.value->body;
  if (auto refusal = refuse_long(gateway, video.owner, video)) return std::move(*refusal);
  const auto submitted = gateway.queue->submit(video, gateway.now());
  return submitted.ok() ? json_response(video_json(*submitted->video)) : refuse_submission(submitted.error());
}

base::Json quote_json(const VideoRules& rules, const jobs::NewVideo& video, const jobs::VideoQuote& quote) {
  base::Json json = base::Json::empty_object();
  json.set("object", "video.quote");
  json.set("size", std::to_string(video.request.width) + "x" + std::to_string(video.request.height));
  json.set("seconds", video.seconds);
  json.set("frames", video.request.frames);
  json.set("work", work_json(quote.work));
  json.set("calls", quote.calls);
  json.set("memory_bytes", quote.memory);
  json.set("price", std::to_string(quote.price));
  json.set("lowest_price",
           rules.network && quote.lowest_price == 0 ? base::Json() : base::Json(std::to_string(quote.lowest_price)));
  json.set("fee", std::to_string(quote.fee));
  json.set("providers", rules.network ? base::Json(quote.providers) : base::Json());
  json.set("expected_seconds", quote.seconds ? base::Json(*quote.seconds) : base::Json());
  return json;
}

// Says what that would come to, and enters nothing.
Response quote(const Gateway& gateway, const Request& request, const Parameters& parameters, const Source& source) {
  Asked<jobs::NewVideo> asked = read_video_request(parameters, gateway.rules, 0, source);
  if (asked.refusal) return std::move(*asked.refusal);
  const std::string owner = gateway.access->owner_of(request);
  if (std::optional<Response> refusal = refuse_long(gateway, owner, *asked.value)) return std::move(*refusal);
  // Each plans a program.
  const Turns::Turn turn = quote_turns().take(owner);
  if (!turn.taken()) {
    return refuse(503, "busy", "", "as many quotes are made as may, in all or for you; ask again in a moment");
  }
  auto quote = gateway.quote(*asked.value);
  if (quote.ok() && gateway.pace != nullptr) {
    const auto seconds = gateway.pace->seconds(asked.value->request);
    if (seconds.ok()) quote->seconds = *seconds;
  }
  if (quote.ok()) return json_response(quote_json(gateway.rules, *asked.value, *quote));
  if (quote.error().code == base::ErrorCode::kIo) {
    return refuse(503, "network_unreachable", "", "the network behind this server does not answer; ask again later");
  }
  return refuse(quote.error());
}

// What becomes of a request that was read: submit or quote.
using Use = Response (*)(const Gateway&, const Request&, const Parameters&, const Source&);

template <Use kUse>
Response create(const Gateway& gateway, const Request& request) {
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  for (const char* const name : {"video", "to"}) {
    if (parameters.value->values.find(name) != nullptr) {
      return refuse(400, "unknown_parameter", name,
                    "unknown parameter: '" + std::string(name) + "'; edits and extensions take one");
    }
  }
  Source source;
  source.owner = gateway.access->owner_of(request);
  return kUse(gateway, request, *parameters.value, source);
}

// A clip of a request that is a video of this server.
std::optional<Response> take_video(const Gateway& gateway, const Request& request, const std::string& name,
                                   const std::string& id, SourceVideo& into) {
  if (id.empty()) return std::nullopt;
  into.video = gateway.queue->find(gateway.access->owner_of(request), id);
  if (into.video == nullptr) return no_such_video(id);
  if (into.video->status != VideoStatus::kCompleted) {
    return refuse(400, "video_not_ready", name, "this video is not made; go on from one that is completed");
  }
  into.file = jobs::VideoPaths(gateway.queue->folder(id)).video;
  return std::nullopt;
}

// The id of a video that a request names; empty: it brings a file.
Asked<std::string> named_video(const Parameters& parameters, const std::string& name) {
  const base::Json* const video = parameters.values.find(name);
  if (video == nullptr || !video->has("id")) return std::string();
  const base::Result<std::string> given = video->text("id");
  if (!given.ok()) return refuse_parameter(name, "'" + name + "' is a file, or {\"id\"} of a video of this server");
  return *given;
}

// Of what another video goes on from: one of this server, if there is an id.
Response go_on(const Gateway& gateway, const Request& request, const Parameters& parameters, Way way,
               const std::string& id, Use use) {
  Source source{way, {}, {}, gateway.access->owner_of(request)};
  if (auto refusal = take_video(gateway, request, "video", id, source.start)) return std::move(*refusal);
  for (const char* const name : {"seconds", "num_frames", "to"}) {
    if (way == Way::kEdit && parameters.values.has(name)) {
      return refuse(400, "unknown_parameter", name,
                    std::string_view(name) == "to" ? "an edit leads nowhere" : "an edit keeps the duration");
    }
  }
  Asked<std::string> to = named_video(parameters, "to");
  if (to.refusal) return std::move(*to.refusal);
  if (auto refusal = take_video(gateway, request, "to", *to.value, source.end)) return std::move(*refusal);
  if (parameters.values.has("input_reference")) {
    return refuse(400, "unknown_parameter", "input_reference", "a video goes on from one thing");
  }
  return use(gateway, request, parameters, source);
}

template <Way kWay, Use kUse>
Response from_body(const Gateway& gateway, const Request& request) {
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  Asked<std::string> id = named_video(*parameters.value, "video");
  if (id.refusal) return std::move(*id.refusal);
  return go_on(gateway, request, *parameters.value, kWay, *id.value, kUse);
}

Response remix(const Gateway& gateway, const Request& request) {
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  return go_on(gateway, request, *parameters.value, Way::kEdit, request.parameter("id"), submit);
}

Response list(const Gateway& gateway, const Request& request) {
  for (const auto& [name, value] : request.query) {
    if (name != "after" && name != "limit" && name != "order") {
      return refuse(400, "unknown_parameter", name.substr(0, 64), "unknown parameter: '" + name.substr(0, 64) + "'");
    }
  }
  const auto limit = request.query_u64("limit", kListed, kMostListed);
  if (!limit.ok() || *limit == 0) return refuse_parameter("limit", "'limit' is a number from 1 to 100");
  const std::string order = request.has_query("order") ? request.query.at("order") : "desc";
  if (order != "asc" && order != "desc") return refuse_parameter("order", "'order' is asc or desc");
  const std::string after = request.has_query("after") ? request.query.at("after") : "";
  const auto page = gateway.queue->list(gateway.access->owner_of(request), after, *limit, order == "asc");
  if (!page.ok()) return refuse(404, "not_found", "after", page.error().message);
  base::Json data = base::Json::empty_array();
  for (const VideoPointer& video : page->videos) data.push(video_json(*video));
  base::Json json = base::Json::empty_object();
  json.set("object", "list");
  json.set("data", std::move(data));
  json.set("first_id", page->videos.empty() ? base::Json() : base::Json(page->videos.front()->id));
  json.set("last_id", page->videos.empty() ? base::Json() : base::Json(page->videos.back()->id));
  json.set("has_more", page->more);
  return json_response(json);
}

// The video that a request is about, or null.
VideoPointer find(const Gateway& gateway, const Request& request) {
  return gateway.queue->find(gateway.access->owner_of(request), request.parameter("id"));
}

Response show(const Gateway& gateway, const Request& request) {
  const VideoPointer video = find(gateway, request);
  if (video == nullptr) return no_such_video(request.parameter("id"));
  return text_response(video->shown.get([&] { return video_json(*video).to_text() + "\n"; }), "application/json");
}

Response remove(const Gateway& gateway, const Request& request) {
  const std::string& id = request.parameter("id");
  const auto removed = gateway.queue->remove(gateway.access->owner_of(request), id);
  if (!removed.ok()) return refuse(removed.error());
  if (!*removed) return no_such_video(id);
  base::Json json = base::Json::empty_object();
  json.set("id", id);
  json.set("deleted", true);
  json.set("object", "video.deleted");
  return json_response(json);
}

Response content(const Gateway& gateway, const Request& request) {
  const VideoPointer video = find(gateway, request);
  if (video == nullptr) return no_such_video(request.parameter("id"));
  const std::string name = request.has_query("variant") ? request.query.at("variant") : "video";
  for (const Variant& variant : kVariants) {
    if (variant.name != name) continue;
    if (video->status == VideoStatus::kFailed) {
      return refuse(404, "video_failed", "", "this video could not be made: " + video->failure->message);
    }
    if (video->status != VideoStatus::kCompleted) {
      return refuse(404, "video_not_ready", "", "this video is not made yet: ask for its status until it is completed");
    }
    const jobs::VideoPaths paths(gateway.queue->folder(video->id));
    base::Result<OpenFile> file = OpenFile::open(paths.*variant.path);
    if (!file.ok()) return refuse(file.error());
    // A browser that keeps it asks again each time: the video may be gone by then, or the key another.
    Response response = ranged_file(request, *std::move(file), video->id + "-" + name, "private, no-cache");
    response.headers.emplace_back("Vary", "Authorization");
    if (response.file) response.content_type = variant.type;
    return response;
  }
  return refuse_parameter("variant",
                          "'variant' is video, thumbnail, spritesheet, receipt, trace, inputs, calls or program");
}

// What OpenAI's API has and this server does not.
Route refused(Method method, std::string pattern, const char* message) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.body_limit = kMostVideoBody;
  route.handler = [message](const Request&) { return refuse(400, "unsupported", "", message); };
  return route;
}

using Endpoint = Response (*)(const Gateway&, const Request&);

Route route(const Gateway& gateway, Method method, std::string pattern, Runs runs, Endpoint endpoint) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.runs = runs;
  route.handler = [gateway, endpoint](const Request& request) { return endpoint(gateway, request); };
  return route;
}

}  // namespace

base::Json video_json(const Video& video) {
  base::Json error;
  if (video.failure) {
    error = base::Json::empty_object();
    error.set("code", video.failure->code);
    error.set("message", video.failure->message);
  }
  base::Json json = base::Json::empty_object();
  json.set("id", video.id);
  json.set("object", "video");
  json.set("created_at", video.created_at);
  json.set("completed_at", or_null(video.completed_at));
  json.set("expires_at", or_null(video.expires_at));
  json.set("status", kStatusNames.at(static_cast<std::size_t>(shown_status(video))));
  json.set("progress", video.progress.percent);
  json.set("error", std::move(error));
  json.set("model", video.model);
  json.set("prompt", video.request.prompt);
  json.set("remixed_from_video_id", video.source.empty() ? base::Json() : base::Json(video.source));
  json.set("seconds", video.seconds);
  json.set("size", std::to_string(video.request.width) + "x" + std::to_string(video.request.height));
  json.set("starling", outcome_json(video));
  return json;
}

std::optional<Response> refuse_long(const Gateway& gateway, const std::string& owner, const jobs::NewVideo& video) {
  if (gateway.pace == nullptr || gateway.pace->fits(video.request)) return std::nullopt;
  const Turns::Turn turn = quote_turns().take(owner, kBuildPatience);
  if (!turn.taken()) {
    return refuse(503, "busy", "",
                  "as many sizes are looked at as may, in all or for you; send this again in a moment");
  }
  const base::Status fits = gateway.pace->check(video.request);
  if (fits.ok()) return std::nullopt;
  if (fits.error().code == base::ErrorCode::kLimit) return refuse_parameter("size", fits.error().message);
  return refuse(fits.error());
}

std::vector<Route> video_routes(const Gateway& gateway) {
  std::vector<Route> routes;
  routes.push_back(route(gateway, Method::kGet, "/v1/videos", Runs::kHere, list));
  routes.push_back(route(gateway, Method::kGet, "/v1/videos/{id}", Runs::kHere, show));
  routes.push_back(route(gateway, Method::kDelete, "/v1/videos/{id}", Runs::kOnWorker, remove));
  routes.push_back(route(gateway, Method::kGet, "/v1/videos/{id}/content", Runs::kOnWorker, content));
  constexpr const char* kNoCharacters = "the model of this server has no characters";
  for (const auto& [pattern, endpoint] : {std::pair<const char*, Endpoint>{"/v1/videos", create<submit>},
                                          {"/v1/videos/{id}/remix", remix},
                                          {"/v1/videos/edits", from_body<Way::kEdit, submit>},
                                          {"/v1/videos/extensions", from_body<Way::kExtend, submit>},
                                          {"/v1/videos/quote", create<quote>},
                                          {"/v1/videos/edits/quote", from_body<Way::kEdit, quote>},
                                          {"/v1/videos/extensions/quote", from_body<Way::kExtend, quote>}}) {
    routes.push_back(route(gateway, Method::kPost, pattern, Runs::kOnWorker, endpoint));
    routes.back().body_limit = kMostVideoBody;
  }
  routes.push_back(refused(Method::kPost, "/v1/videos/characters", kNoCharacters));
  routes.push_back(refused(Method::kGet, "/v1/videos/characters/{id}", kNoCharacters));
  return routes;
}

}  // namespace starling::api::videos
