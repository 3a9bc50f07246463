#include "node/order.h"

#include <chrono>
#include <system_error>

#include "base/file.h"
#include "ledger/market/state.h"
#include "node/task_inputs.h"
#include "store/blob_manifest.h"

namespace starling::node {

namespace market = ledger::market;
namespace fs = std::filesystem;

namespace {

constexpr auto kKept = std::chrono::milliseconds(market::kMaxDeadline) + std::chrono::hours(10 * 24);

}  // namespace

base::Status check_given(const generate::TextToVideo& request, const generate::GivenFrames& frames,
                         std::size_t videos) {
  if (!frames) return base::invalid("the frames that a video goes on from are missing from its order");
  const std::size_t bytes = frames->rgb.size();
  if (bytes > kMaxPartGivenBytes) {
    return base::limit_error(
        "a network takes " + std::to_string(kMaxPartGivenBytes >> 20U) + " MiB of frames that a video goes on from, " +
        std::to_string(kMaxPartGivenBytes / frames->frame_bytes()) + " of " + std::to_string(request.width) + "x" +
        std::to_string(request.height) + " pixels, and these are " + std::to_string(frames->count) +
        ": cut the clip, or ask for a smaller size");
  }
  if (bytes * videos > kTaskInputBytes) {
    return base::limit_error("a network takes " + std::to_string(kTaskInputBytes >> 20U) +
                             " MiB of given frames for all videos of an order: order " +
                             std::to_string(kTaskInputBytes / bytes) + " at a time");
  }
  return {};
}

base::Result<Order> prepare_order(const models::Checkpoint& model, const base::Hash& model_root,
                                  const std::vector<generate::TextToVideo>& requests,
                                  const std::vector<generate::GivenFrames>& given) {
  if (requests.empty() || requests.size() > market::kMaxParts) {
    return base::invalid("an order is for 1 to " + std::to_string(market::kMaxParts) + " videos");
  }
  Order order;
  order.model = model_root;
  for (const generate::TextToVideo& request : requests) {
    const std::size_t index = order.parts.size();
    const bool first = index == 0;
    const generate::GivenFrames frames = index < given.size() ? given[index] : nullptr;
    if (request.has_given()) STARLING_TRY(check_given(request, frames, requests.size()));
    if (!first && !same_program(requests[0], request)) {
      return base::invalid("the videos of an order differ in prompts, seed and frames only; order the others apart");
    }
    base::Result<generate::VideoJob> job = first ? generate::VideoJob::prepare(model, request, generate::Room{}, frames)
                                                 : order.parts[0].job->with_other_text(model, request, frames);
    if (!job.ok()) return job.error();
    order.parts.push_back({{model_root, request, frames}, std::make_shared<const generate::VideoJob>(*std::move(job))});
  }
  return order;
}

market::SubmitTask task_message(const Order& order) {
  const generate::VideoJob& job = *order.parts[0].job;
  market::SubmitTask message;
  message.program = job.program_root();
  message.model = order.model;
  message.work_per_part = priced_work(job.program().work());
  message.calls = static_cast<std::uint32_t>(job.program().calls().size());
  message.memory_mebibytes = needed_mebibytes(job);
  message.assurance = market::name_of(market::Assurance::kSingle);
  return message;
}

base::Status OrderInputs::keep(const std::vector<base::Bytes>& inputs) const {
  STARLING_TRY(base::make_directories(folder_, base::FileMode::kPrivate));
  std::error_code error;
  const auto oldest = fs::file_time_type::clock::now() - kKept;
  for (fs::directory_iterator file(folder_, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    if (fs::last_write_time(file->path(), gone) < oldest && !gone) fs::remove(file->path(), gone);
  }
  for (const base::Bytes& input : inputs) {
    const base::Hash name = store::BlobManifest::of_piece(input).name();
    STARLING_TRY(base::write_file(folder_ / name.hex(), input, base::FileMode::kPrivate));
  }
  return {};
}

base::Result<base::Bytes> OrderInputs::find(const base::Hash& name) const {
  STARLING_ASSIGN(base::Bytes bytes, base::read_file(folder_ / name.hex(), kMaxPartInputBytes));
  if (store::BlobManifest::of_piece(bytes).name() != name) {
    return base::not_found("the file " + (folder_ / name.hex()).string() + " is not what it was");
  }
  return bytes;
}

}  // namespace starling::node
