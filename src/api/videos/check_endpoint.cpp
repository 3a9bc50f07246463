#include "api/videos/check_endpoint.h"

#include <chrono>
#include <memory>
#include <utility>

#include "api/videos/errors.h"
#include "api/videos/event_stream.h"
#include "api/videos/turns.h"

namespace starling::api::videos {
namespace {

constexpr std::size_t kMostCheckBody = 1024;
constexpr std::int64_t kUsualCalls = 3;
constexpr std::int64_t kMostCalls = 1'000'000;
constexpr std::size_t kMostChecks = 17;  // one that runs, and those that the checker lets wait
constexpr std::size_t kMostChecksOfOne = 4;

Asked<std::int64_t> read_calls(const Request& request) {
  if (request.body.empty()) return kUsualCalls;
  Asked<Parameters> parameters = read_parameters(request);
  if (parameters.refusal) return std::move(*parameters.refusal);
  std::int64_t calls = kUsualCalls;
  for (const base::JsonMember& member : parameters.value->values.members()) {
    if (member.key != "calls") {
      return refuse(400, "unknown_parameter", member.key.substr(0, 64),
                    "unknown parameter: '" + member.key.substr(0, 64) + "'");
    }
    const auto given = member.value.as_integer(1, kMostCalls);
    if (!given.ok()) return refuse_parameter("calls", "'calls' is a number of calls to run again, at least 1");
    calls = *given;
  }
  return calls;
}

base::Json result_json(const base::Result<jobs::CheckResult>& result, double seconds) {
  base::Json json = base::Json::empty_object();
  json.set("object", "check");
  json.set("valid", result.ok() ? base::Json(!result->difference.has_value()) : base::Json());
  json.set("checked_calls", result.ok() ? result->checked_calls : 0);
  json.set("total_calls", result.ok() ? result->total_calls : 0);
  json.set("first_difference",
           result.ok() && result->difference ? base::Json(result->difference->message) : base::Json());
  json.set("error", result.ok() ? base::Json() : base::Json(result.error().message));
  json.set("seconds", seconds);
  return json;
}

Response check(const Gateway& gateway, jobs::Checker& checker, const std::shared_ptr<Turns>& turns,
               const Request& request) {
  const std::string& id = request.parameter("id");
  const std::string owner = gateway.access->owner_of(request);
  const jobs::VideoPointer video = gateway.queue->find(owner, id);
  if (video == nullptr) return no_such_video(id);
  if (video->status != jobs::VideoStatus::kCompleted) {
    return refuse(400, "video_not_ready", "", "this video is not made; check one that is completed");
  }
  Asked<std::int64_t> calls = read_calls(request);
  if (calls.refusal) return std::move(*calls.refusal);
  // Kept, with what it is one of, until it is done.
  const std::shared_ptr<const Turns::Turn> turn(new Turns::Turn(turns->take(owner)),
                                                [turns](const Turns::Turn* one) { delete one; });
  if (!turn->taken()) return refuse(503, "busy", "", "as many checks of yours wait as may; ask again in a moment");
  const auto stream = std::make_shared<EventStream>();
  jobs::Check check;
  check.folder = gateway.queue->folder(id);
  check.calls = static_cast<std::size_t>(*calls.value);
  check.stopped = [stream] { return stream->closed(); };
  check.passed = [stream](std::uint32_t call, const std::string& name) {
    base::Json json = base::Json::empty_object();
    json.set("call", call);
    json.set("name", name);
    stream->send("check.call", json, false);
  };
  check.done = [stream, turn, began = std::chrono::steady_clock::now()](const base::Result<jobs::CheckResult>& result) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    stream->send("check.done", result_json(result, took.count()), true);
  };
  if (!checker.submit(std::move(check))) {
    return refuse(503, "busy", "", "as many checks wait as may; ask again in a moment");
  }
  return event_response(stream);
}

}  // namespace

Route check_route(const Gateway& gateway, jobs::Checker& checker) {
  Route route;
  route.method = Method::kPost;
  route.pattern = "/v1/videos/{id}/check";
  route.body_limit = kMostCheckBody;
  route.handler = [gateway, &checker, turns = std::make_shared<Turns>(kMostChecks, kMostChecksOfOne)](
                      const Request& request) { return check(gateway, checker, turns, request); };
  return route;
}

}  // namespace starling::api::videos
