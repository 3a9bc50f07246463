#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/videos/video_endpoints.h"

namespace starling::api::videos {

// A request for something to be made, as its sender names it.
struct Asking {
  std::string owner;
  std::string idempotency;  // the sender's name of it; empty: none
  base::Hash body;          // tells one request of that name from another
};

// A response when the name is too long.
Asked<Asking> read_asking(const Gateway& gateway, const Request& request, const Parameters& parameters);

// A response when the budget of the request's key is spent.
std::optional<Response> refuse_spent(const Gateway& gateway, const Request& request);

// A response when what is left of the budget of the request's key does not cover `count` videos like this one.
std::optional<Response> refuse_price(const Gateway& gateway, const Request& request, const jobs::NewVideo& video,
                                     std::uint64_t count);

// Why VideoQueue::submit() did not take it.
Response refuse_submission(const base::Error& error);

}  // namespace starling::api::videos
