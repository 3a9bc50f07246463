#include "node/requester.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "base/wall_clock.h"
#include "ledger/json_fields.h"
#include "node/part_input.h"
#include "proof/trace.h"

namespace starling::node {

namespace market = ledger::market;

namespace {

constexpr std::chrono::seconds kGatewayPatience{60};  // with one that does not answer
constexpr std::chrono::milliseconds kGatewayPause{200};

base::Error no_answer(const PartEntry& part, const std::string& endpoint, const base::Error& why) {
  return base::Error{why.code, "provider " + part.part.provider.text() + " at " + endpoint +
                                   " does not hand out part " + std::to_string(part.index) + " of task " +
                                   std::to_string(part.task) + " (" + why.message + ")"};
}

base::Error not_as_promised(const PartEntry& part, const std::string& what) {
  return base::corrupt("the provider " + part.part.provider.text() + " lies: what it delivers for part " +
                       std::to_string(part.index) + " of task " + std::to_string(part.task) + " is not its result (" +
                       what + ")");
}

// Trouble that may pass: the provider is not there, or does not have the result yet.
bool may_pass(const base::Error& error) {
  return error.code == base::ErrorCode::kIo || error.code == base::ErrorCode::kNotFound;
}

std::size_t frame_bytes(const generate::TextToVideo& request) {
  return static_cast<std::size_t>(request.width) * static_cast<std::size_t>(request.height) * 3;
}

}  // namespace

bool is_delivered(const market::Part& part) {
  return part.state == market::PartState::kRevealed || part.state == market::PartState::kPaid;
}

bool is_lost(const market::Part& part) {
  return part.state == market::PartState::kProved || part.state == market::PartState::kPartlyPaid ||
         part.state == market::PartState::kRefunded;
}

ledger::Motes price_paid(const market::Task& task, const market::Part& part) {
  if (is_delivered(part)) return part.price;
  if (part.state != market::PartState::kPartlyPaid) return 0;
  return ledger::multiply_divide(part.price, part.calls, task.calls).value_or(0);
}

Requester::Requester(HttpClient& http, const LedgerClient& ledger, Account& account, BlobExchange& exchange,
                     store::Blobs& blobs, const std::filesystem::path& inputs, std::function<bool()> cancelled)
    : http_(http),
      ledger_(ledger),
      account_(account),
      exchange_(exchange),
      blobs_(blobs),
      inputs_(inputs),
      cancelled_(std::move(cancelled)) {}

base::Result<Quote> Requester::quote(const Order& order, const Wishes& wishes) const {
  return make_quote(http_, ledger_, order, wishes, cancelled_);
}

base::Result<std::uint64_t> Requester::submit(const Order& order, const Terms& terms) {
  market::SubmitTask message = task_message(order);
  std::vector<base::Bytes> inputs;
  for (const ReadyPart& part : order.parts) inputs.push_back(encode_part_input(part.input));
  STARLING_TRY(inputs_.keep(inputs));
  for (const base::Bytes& input : inputs) {
    STARLING_ASSIGN(const base::Hash blob, exchange_.upload(ledger_.url(), input));
    message.inputs.push_back(blob);
  }
  STARLING_ASSIGN(const ChainStatus chain, ledger_.status());
  message.max_price = terms.max_price;
  message.time_limit = terms.time_limit;
  // The chain's time stands still while nothing happens.
  message.deadline = std::max(chain.time, static_cast<std::uint64_t>(base::unix_milliseconds())) + terms.deadline;
  STARLING_ASSIGN(const Receipted done, account_.carry_out(message));
  // The gateway keeps what a task names, but what others uploaded may have pushed it out before.
  for (const base::Bytes& input : inputs) {
    if (!exchange_.upload(ledger_.url(), input).ok()) break;  // the task is there, whatever becomes of this
  }
  for (const base::Json& event : done.events.elements()) {
    const auto name = event.text("event");
    if (!name.ok() || *name != "market.submitted") continue;
    const base::Json* const task = event.find("task");
    if (task != nullptr) return ledger::json_u64(*task);
  }
  return base::corrupt("the gateway does not say which number the task has; list your tasks");
}

base::Status Requester::cancel(std::uint64_t task) {
  // What would be refused for sure costs no fee; the ledger has the last word on the rest.
  STARLING_ASSIGN(const TaskEntry entry, ledger_.task(task));
  const std::string name = "task " + std::to_string(task);
  if (entry.task.requester != account_.address()) {
    return base::invalid(name + " is of " + entry.task.requester.text() + ": only that account may cancel it");
  }
  if (entry.task.cancelled) return base::invalid(name + " is cancelled already");
  if (entry.task.unfinished == 0) return base::invalid(name + " is done: nothing of it is left to cancel");
  const auto done = account_.carry_out(market::CancelTask{task});
  if (!done.ok()) return done.error();
  return {};
}

base::Result<PartInput> Requester::input_of(const base::Hash& name) {
  if (const auto kept = inputs_.find(name); kept.ok()) return decode_part_input(*kept);
  FetchOptions options;
  options.most_bytes = kMaxPartInputBytes;
  options.cancelled = cancelled_;
  STARLING_TRY(exchange_.fetch(name, {ledger_.url()}, options));
  STARLING_ASSIGN(const store::BlobReader reader, blobs_.read(name, base::unix_seconds()));
  base::Bytes bytes(reader.size());
  STARLING_TRY(reader.read(0, bytes));
  return decode_part_input(bytes);
}

base::Result<Order> Requester::order_of(std::uint64_t task, const models::Checkpoint& model,
                                        const base::Hash& model_root) {
  STARLING_ASSIGN(const TaskEntry entry, ledger_.task(task));
  if (entry.task.model != model_root) {
    return base::invalid("task " + std::to_string(task) + " is for model " + entry.task.model.hex() +
                         ": name its folder with --model");
  }
  STARLING_ASSIGN(const std::vector<PartEntry> parts, ledger_.parts(task));
  std::vector<generate::TextToVideo> requests;
  std::vector<generate::GivenFrames> given;
  for (const PartEntry& part : parts) {
    STARLING_ASSIGN(const PartInput input, input_of(part.part.input));
    requests.push_back(input.request);
    // Videos of one order mostly go on from the same frames, which then are here once.
    const bool same = requests[0].given == input.request.given && !given.empty();
    given.push_back(same ? given[0] : input.given);
  }
  return prepare_order(model, model_root, requests, given);
}

base::Status Requester::follow(std::uint64_t task,
                               const std::function<base::Result<bool>(const TaskView&)>& seen) const {
  std::optional<std::uint64_t> height;
  const auto look = [&](TaskView& view) -> base::Status {
    if (height.has_value()) {
      STARLING_ASSIGN(const ChainTip tip, ledger_.wait(*height, kLongPoll));
      height = tip.height;
    } else {
      STARLING_ASSIGN(const ChainStatus chain, ledger_.status());
      height = chain.height;
    }
    STARLING_ASSIGN(view.task, ledger_.task(task));
    STARLING_ASSIGN(view.parts, ledger_.parts(task));
    return {};
  };
  // A gateway that is started again is away for a moment, and the task goes on.
  using Clock = std::chrono::steady_clock;
  Clock::time_point answered = Clock::now();
  while (true) {
    TaskView view;
    if (base::Status looked = look(view); !looked.ok()) {
      if (looked.error().code != base::ErrorCode::kIo) return looked;
      if (cancelled_ != nullptr && cancelled_()) return base::cancelled("interrupted while the gateway was away");
      if (Clock::now() - answered > kGatewayPatience) {
        return base::io_error("the gateway is away (" + looked.error().message + "); task " + std::to_string(task) +
                              " goes on without this program: once the gateway is back, starling job wait " +
                              std::to_string(task));
      }
      std::this_thread::sleep_for(kGatewayPause);
      height.reset();
      continue;
    }
    STARLING_ASSIGN(const bool enough, seen(view));
    if (enough) return {};
    answered = Clock::now();
  }
}

base::Result<std::string> Requester::endpoint_of(const base::Address& provider) const {
  STARLING_ASSIGN(const market::Provider record, ledger_.provider(provider));
  STARLING_TRY(check_base_url(record.endpoint));
  return record.endpoint;
}

base::Result<PartProgress> Requester::progress(const PartEntry& part) const {
  STARLING_ASSIGN(const std::string endpoint, endpoint_of(part.part.provider));
  STARLING_ASSIGN(const HttpReply reply,
                  http_.get(endpoint + "/v1/progress/" + std::to_string(part.task) + "/" + std::to_string(part.index)));
  STARLING_ASSIGN(const base::Json json, base::Json::parse(reply.body, endpoint));
  PartProgress progress;
  STARLING_ASSIGN(progress.state, json.text("state"));
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  STARLING_ASSIGN(const std::int64_t done, json.integer("calls_done", 0, kMost));
  STARLING_ASSIGN(const std::int64_t calls, json.integer("calls", 0, kMost));
  progress.calls_done = static_cast<std::uint32_t>(done);
  progress.calls = static_cast<std::uint32_t>(calls);
  if (json.has("seconds_left")) {
    STARLING_ASSIGN(progress.seconds_left, json.number("seconds_left"));
  }
  return progress;
}

base::Result<ResultFiles> Requester::result_files(const std::string& endpoint, const PartEntry& part) const {
  HttpRequest request;
  request.url = endpoint + "/v1/results/" + std::to_string(part.task) + "/" + std::to_string(part.index);
  request.most_bytes = std::size_t{64} << 10;
  request.time = std::chrono::seconds(10);  // a line or two: whoever takes longer holds up the others
  request.cancelled = cancelled_;
  STARLING_ASSIGN(const HttpReply reply, http_.send(request));
  STARLING_TRY(reply_status(request.url, reply));
  STARLING_ASSIGN(const base::Json json, base::Json::parse(reply.body, request.url));
  return result_files_from_json(json);
}

base::Status Requester::check_frames(const Delivery& delivery, const generate::TextToVideo& request) const {
  std::size_t frames = 0;
  std::optional<std::size_t> wrong;
  STARLING_TRY(each_frame(delivery, [&](std::size_t index, const video::FrameView& frame) -> base::Status {
    if (!wrong.has_value() && video::frame_hash(frame) != delivery.receipt.frames[index]) wrong = index;
    ++frames;
    return {};
  }));
  if (wrong.has_value()) return base::corrupt("frame " + std::to_string(*wrong) + " is not the one of the receipt");
  if (frames != static_cast<std::size_t>(request.frames)) return base::corrupt("frames are missing");
  return {};
}

base::Status Requester::check_trace(const Delivery& delivery, const ReadyPart& wanted) const {
  STARLING_ASSIGN(const std::filesystem::path path, blobs_.path(delivery.files.trace.name, 0));
  STARLING_ASSIGN(const proof::TraceReader trace,
                  proof::TraceReader::open(path, wanted.job->program(), delivery.receipt.calls));
  return trace.check_all();
}

base::Status Requester::each_frame(
    const Delivery& delivery, const std::function<base::Status(std::size_t, const video::FrameView&)>& take) const {
  STARLING_ASSIGN(const generate::TextToVideo request, generate::request_of(delivery.receipt));
  const std::size_t size = frame_bytes(request);
  STARLING_ASSIGN(const store::BlobReader reader, blobs_.read(delivery.files.frames.name, base::unix_seconds()));
  if (reader.size() != size * delivery.receipt.frames.size()) return base::corrupt("the frames have the wrong size");
  std::vector<std::uint8_t> pixels(size);
  for (std::size_t i = 0; i < delivery.receipt.frames.size(); ++i) {
    STARLING_TRY(reader.read(i * size, pixels));
    STARLING_TRY(take(i, {static_cast<int>(request.width), static_cast<int>(request.height), pixels}));
  }
  return {};
}

base::Result<Delivery> Requester::fetch_from(const std::string& endpoint, const ReadyPart& wanted,
                                             const PartEntry& part) {
  const generate::TextToVideo& request = wanted.input.request;
  Delivery delivery;
  delivery.part = part.index;
  const auto files = result_files(endpoint, part);
  if (!files.ok() && may_pass(files.error())) return no_answer(part, endpoint, files.error());
  if (!files.ok()) return files.error();
  delivery.files = *files;
  const auto get = [&](const StoredBlob& blob, std::uint64_t most) -> base::Status {
    if (blob.bytes > most) return not_as_promised(part, "it is larger than it can be");
    FetchOptions options;
    options.most_bytes = most;
    options.cancelled = cancelled_;
    const auto fetched = exchange_.fetch(blob.name, {endpoint}, options);
    if (!fetched.ok()) return fetched.error();
    return {};
  };
  STARLING_TRY(get(delivery.files.receipt, proof::kMaxReceiptBytes));
  {
    STARLING_ASSIGN(const store::BlobReader reader, blobs_.read(delivery.files.receipt.name, base::unix_seconds()));
    delivery.receipt_text.resize(reader.size());
    STARLING_TRY(
        reader.read(0, {reinterpret_cast<std::uint8_t*>(delivery.receipt_text.data()), delivery.receipt_text.size()}));
  }
  if (base::sha256(base::as_bytes(delivery.receipt_text)) != part.part.receipt) {
    return not_as_promised(part, "the receipt is not the one in the ledger");
  }
  STARLING_ASSIGN(delivery.receipt, proof::parse_receipt(delivery.receipt_text));
  const proof::Receipt& receipt = delivery.receipt;
  if (const auto difference = proof::check_receipt(receipt)) return not_as_promised(part, difference->message);
  if (receipt.executor != part.part.provider) return not_as_promised(part, "somebody else signed the receipt");
  if (receipt.output_root != part.part.output_root || receipt.trace_root != part.part.trace_root) {
    return not_as_promised(part, "the roots of the receipt are not those in the ledger");
  }
  if (receipt.model_root != wanted.input.model) return not_as_promised(part, "the receipt is of another model");
  if (receipt.parameters.to_text() != generate::to_json(request).to_text()) {
    return not_as_promised(part, "the receipt is of another request");
  }
  const generate::VideoJob& job = *wanted.job;
  const proof::Rebuilt rebuilt{job.program_root(), job.input_roots(), job.program().work(),
                               job.program().calls().size(), static_cast<std::size_t>(request.frames)};
  if (const auto difference = proof::check_rebuilt(receipt, rebuilt)) return not_as_promised(part, difference->message);
  const auto get_all = [&](const StoredBlob& blob, std::uint64_t bytes) -> base::Status {
    if (blob.bytes != bytes) return not_as_promised(part, "it has another size");
    return get(blob, bytes);
  };
  STARLING_TRY(get_all(delivery.files.frames, frame_bytes(request) * static_cast<std::size_t>(request.frames)));
  STARLING_TRY(check_frames(delivery, request));
  const auto is_kept = [&](std::uint32_t call) { return generate::is_kept(job.calls(), call); };
  STARLING_TRY(get_all(delivery.files.trace, proof::trace_bytes(job.program(), is_kept)));
  STARLING_TRY(check_trace(delivery, wanted));
  return delivery;
}

base::Result<Delivery> Requester::fetch(const ReadyPart& wanted, const PartEntry& part) {
  if (!is_delivered(part.part)) {
    return base::invalid("part " + std::to_string(part.index) + " has no result: it is " +
                         market::name_of(part.part.state));
  }
  STARLING_ASSIGN(const std::string endpoint, endpoint_of(part.part.provider));
  return fetch_from(endpoint, wanted, part);
}

namespace {

// A part whose result was asked for in vain.
struct Wanting {
  base::Error last;
  std::chrono::milliseconds pause{50};
  std::chrono::steady_clock::time_point next;
  bool over = false;  // it will not be asked for again
};

}  // namespace

base::Result<Requester::Collected> Requester::collect(std::uint64_t task, const Order& order,
                                                      const std::function<base::Status(const Delivery&)>& deliver,
                                                      const std::function<base::Status(const TaskView&)>& on_view,
                                                      std::chrono::seconds patience) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kRest{20};
  std::vector<bool> delivered(order.parts.size(), false);
  std::map<std::uint32_t, Wanting> wanting;
  Collected collected;
  TaskView last;

  const auto try_part = [&](const PartEntry& part) -> base::Status {
    const auto known = wanting.find(part.index);
    if (known != wanting.end() && (known->second.over || Clock::now() < known->second.next)) return {};
    const base::Result<Delivery> delivery = fetch(order.parts[part.index], part);
    if (delivery.ok()) {
      STARLING_TRY(deliver(*delivery));
      delivered[part.index] = true;
      ++collected.delivered;
      wanting.erase(part.index);
      return {};
    }
    if (delivery.error().code == base::ErrorCode::kCancelled) return delivery.error();
    Wanting& trouble = wanting.try_emplace(part.index, Wanting{delivery.error(), {}, {}, false}).first->second;
    trouble.last = delivery.error();
    trouble.over = !may_pass(delivery.error());
    trouble.pause = std::clamp(trouble.pause * 2, std::chrono::milliseconds(50), kLongestPause);
    trouble.next = Clock::now() + trouble.pause;
    return {};
  };

  STARLING_TRY(follow(task, [&](const TaskView& view) -> base::Result<bool> {
    if (view.parts.size() != order.parts.size()) {
      return base::invalid("task " + std::to_string(task) + " is not for this order");
    }
    if (on_view != nullptr) STARLING_TRY(on_view(view));
    last = view;
    collected.lost = 0;
    bool more = false;
    for (const PartEntry& part : view.parts) {
      if (is_lost(part.part)) {
        ++collected.lost;
      } else if (!is_delivered(part.part)) {
        more = true;
      } else if (!delivered[part.index]) {
        STARLING_TRY(try_part(part));
      }
    }
    return !more;
  }));
  // Everything is settled in the ledger; what is left depends on providers that were not there.
  for (const Clock::time_point end = Clock::now() + patience; Clock::now() < end;) {
    const bool waits =
        std::any_of(wanting.begin(), wanting.end(), [](const auto& entry) { return !entry.second.over; });
    if (!waits) break;
    if (cancelled_ != nullptr && cancelled_()) return base::cancelled("interrupted while results were fetched");
    for (const PartEntry& part : last.parts) {
      if (wanting.contains(part.index)) STARLING_TRY(try_part(part));
    }
    std::this_thread::sleep_for(kRest);
  }
  for (const auto& [part, trouble] : wanting) collected.failed.emplace(part, trouble.last);
  return collected;
}

}  // namespace starling::node
