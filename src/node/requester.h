#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "node/account.h"
#include "node/blob_exchange.h"
#include "node/ledger_client.h"
#include "node/order.h"
#include "node/provider.h"
#include "node/quote.h"
#include "proof/receipt.h"
#include "store/blobs.h"
#include "video/frames.h"

namespace starling::node {

// A part's result, fetched and checked against the ledger and against what was asked.
struct Delivery {
  std::uint32_t part = 0;
  std::string receipt_text;
  proof::Receipt receipt;
  ResultFiles files;  // blobs that are in the store
};

// How far a task is.
struct TaskView {
  TaskEntry task;
  std::vector<PartEntry> parts;  // in order
};
// Parts with a result that can be fetched; parts that will never have one.
bool is_delivered(const ledger::market::Part& part);
bool is_lost(const ledger::market::Part& part);
// What a part has cost its requester for good: all of its price once its result is known, a share when it was cancelled
// while it was made.
ledger::Motes price_paid(const ledger::market::Task& task, const ledger::market::Part& part);

// Has videos made by the providers of a network. Not thread safe. The objects named outlive it.
class Requester {
 public:
  // inputs: where those of its orders are kept. cancelled is asked often; true ends what is going on with kCancelled,
  // which cancels no task.
  Requester(HttpClient& http, const LedgerClient& ledger, Account& account, BlobExchange& exchange, store::Blobs& blobs,
            const std::filesystem::path& inputs, std::function<bool()> cancelled = nullptr);

  base::Result<Quote> quote(const Order& order, const Wishes& wishes = {}) const;
  // Uploads the inputs to the gateway and submits the task: its number.
  base::Result<std::uint64_t> submit(const Order& order, const Terms& terms);
  // kInvalidArgument, and nothing is sent, when the task is over, cancelled or somebody else's; kNotFound when there is
  // none.
  base::Status cancel(std::uint64_t task);
  // The order that a task is of, from its parts' inputs: those that are kept here, or else the gateway's.
  base::Result<Order> order_of(std::uint64_t task, const models::Checkpoint& model, const base::Hash& model_root);

  // Shows the task as it is, and again after each block, until seen() says true or gives an error. kIo: the gateway was
  // away for a minute.
  base::Status follow(std::uint64_t task, const std::function<base::Result<bool>(const TaskView&)>& seen) const;
  // What the provider of a part says of its progress; an error when it does not say.
  base::Result<PartProgress> progress(const PartEntry& part) const;

  // Fetches the result of a part whose state is_delivered() and checks it: the receipt is the one in the ledger, signed
  // by the part's provider, for this request, program and model; frames and trace are those of the receipt. kCorrupt:
  // what was delivered is not what the ledger says.
  base::Result<Delivery> fetch(const ReadyPart& wanted, const PartEntry& part);
  // The frames of a delivery in order.
  base::Status each_frame(const Delivery& delivery,
                          const std::function<base::Status(std::size_t, const video::FrameView&)>& take) const;

  // What became of an order's parts.
  struct Collected {
    std::size_t delivered = 0;
    std::size_t lost = 0;  // refunded or cancelled
    // Parts whose provider did not deliver what the ledger has, with the last reason. A provider that cannot be reached
    // is asked again for `patience` after the others are done; one that delivers something else is not.
    std::map<std::uint32_t, base::Error> failed;
  };
  // follow() and fetch() together: gives each part as soon as it is there, and ends when nothing more is to come. What
  // one provider does holds up no other's parts. on_view, if given, sees what follow() shows. An error of deliver or
  // on_view ends it.
  base::Result<Collected> collect(std::uint64_t task, const Order& order,
                                  const std::function<base::Status(const Delivery&)>& deliver,
                                  const std::function<base::Status(const TaskView&)>& on_view = nullptr,
                                  std::chrono::seconds patience = std::chrono::minutes(2));

 private:
  base::Result<PartInput> input_of(const base::Hash& name);
  base::Result<std::string> endpoint_of(const base::Address& provider) const;
  base::Result<ResultFiles> result_files(const std::string& endpoint, const PartEntry& part) const;
  base::Result<Delivery> fetch_from(const std::string& endpoint, const ReadyPart& wanted, const PartEntry& part);
  base::Status check_frames(const Delivery& delivery, const generate::TextToVideo& request) const;
  base::Status check_trace(const Delivery& delivery, const ReadyPart& wanted) const;

  HttpClient& http_;
  const LedgerClient& ledger_;
  Account& account_;
  BlobExchange& exchange_;
  store::Blobs& blobs_;
  const OrderInputs inputs_;
  const std::function<bool()> cancelled_;
};

}  // namespace starling::node
