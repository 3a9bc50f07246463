#include "jobs/quote.h"

#include "generate/video_job.h"
#include "node/ledger_client.h"
#include "node/order.h"

namespace starling::jobs {
namespace {

VideoQuote of_job(const generate::VideoJob& job) {
  VideoQuote quote;
  quote.work = job.program().work();
  quote.calls = job.program().calls().size();
  quote.memory = job.peak_bytes();
  return quote;
}

}  // namespace

base::Result<VideoQuote> quote_here(const models::Checkpoint& model, const NewVideo& video, std::uint64_t memory) {
  STARLING_ASSIGN(const generate::VideoJob job,
                  generate::VideoJob::prepare(model, video.request, {memory}, video.given));
  return of_job(job);
}

base::Result<VideoQuote> quote_there(const models::Checkpoint& model, const base::Hash& model_root,
                                     const NewVideo& video, node::HttpClient& http, const std::string& url,
                                     const node::Wishes& wishes, const std::function<bool()>& cancelled) {
  STARLING_ASSIGN(const node::Order order, node::prepare_order(model, model_root, {video.request}, {video.given}));
  const node::LedgerClient ledger(http, url, cancelled);
  STARLING_ASSIGN(const node::Quote quoted, node::make_quote(http, ledger, order, wishes, cancelled));
  VideoQuote quote = of_job(*order.parts.at(0).job);
  quote.price = quoted.terms.max_price;
  quote.lowest_price = quoted.lowest_price;
  quote.fee = quoted.fee;
  quote.providers = quoted.providers;
  quote.seconds = quoted.seconds;
  return quote;
}

}  // namespace starling::jobs
