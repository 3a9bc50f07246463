#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/router.h"
#include "api/videos/access.h"
#include "api/videos/video_request.h"
#include "jobs/pace.h"
#include "jobs/quote.h"
#include "jobs/video_queue.h"

namespace starling::api::videos {

// What the endpoints work on; all of it outlives the routes.
struct Gateway {
  jobs::VideoQueue* queue = nullptr;
  const Access* access = nullptr;
  const jobs::ApiKeys* keys = nullptr;
  VideoRules rules;
  std::function<base::Result<jobs::VideoQuote>(const jobs::NewVideo&)> quote;  // what a video comes to
  jobs::Pace* pace = nullptr;         // of this machine, where it makes the videos; null: others do
  std::function<std::int64_t()> now;  // Unix seconds
  std::string public_url;             // where clients find it, without a slash at its end; empty: as Host names it
  std::string scheme = "http";        // of the addresses that Host names
};

// A video as OpenAI's clients read it, with "starling" beside their members.
base::Json video_json(const jobs::Video& video);

// A response when making it takes longer here than a video may.
std::optional<Response> refuse_long(const Gateway& gateway, const std::string& owner, const jobs::NewVideo& video);

// POST and GET /v1/videos, GET and DELETE /v1/videos/{id}, GET /v1/videos/{id}/content, POST of remix, edits and
// extensions, quotes of these; characters are refused with a sentence.
std::vector<Route> video_routes(const Gateway& gateway);

}  // namespace starling::api::videos
