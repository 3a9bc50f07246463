#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "exact/graph.h"
#include "jobs/video_queue.h"
#include "models/checkpoint.h"
#include "node/quote.h"

namespace starling::jobs {

// What a video comes to, before it is asked for. Binds nobody.
struct VideoQuote {
  exact::Work work;
  std::size_t calls = 0;
  std::uint64_t memory = 0;        // bytes, known before it is run
  std::uint64_t price = 0;         // motes that it may cost at most
  std::uint64_t lowest_price = 0;  // motes that the cheapest provider asks; 0: nobody can make it now
  std::uint64_t fee = 0;           // motes of asking a network
  std::size_t providers = 0;       // of a network, that could make it at the price
  std::optional<double> seconds;   // until it is there; nothing where that is not known
};

// Of a video that is made here: kLimit when it takes more than so many bytes.
base::Result<VideoQuote> quote_here(const models::Checkpoint& model, const NewVideo& video, std::uint64_t memory);

// Of one that a network makes, as node::make_quote() judges it.
base::Result<VideoQuote> quote_there(const models::Checkpoint& model, const base::Hash& model_root,
                                     const NewVideo& video, node::HttpClient& http, const std::string& url,
                                     const node::Wishes& wishes, const std::function<bool()>& cancelled);

}  // namespace starling::jobs
