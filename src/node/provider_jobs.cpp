#include "node/provider_jobs.h"

namespace starling::node {
namespace {

constexpr std::size_t kMostEntries = 4;

}  // namespace

base::Result<PartInput> ProviderJobs::input(const base::Hash& blob, std::int64_t now) const {
  STARLING_ASSIGN(const store::BlobReader reader, blobs_.read(blob, now));
  if (reader.size() > kMaxPartInputBytes) return base::corrupt("the input of a part is longer than any is");
  base::Bytes bytes(reader.size());
  STARLING_TRY(reader.read(0, bytes));
  return decode_part_input(bytes);
}

base::Result<ReadyPart> ProviderJobs::ready(const base::Hash& blob, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.blob == blob) return entry.part;
  }
  ReadyPart part;
  STARLING_ASSIGN(part.input, input(blob, now));
  const auto model = models_.find(part.input.model);
  if (model == nullptr) return base::not_found("the model " + part.input.model.hex() + " is not here");
  const Entry* like = nullptr;
  for (const Entry& entry : entries_) {
    const bool same =
        entry.part.input.model == part.input.model && same_program(entry.part.input.request, part.input.request);
    if (same) like = &entry;
  }
  base::Result<generate::VideoJob> job =
      like != nullptr ? like->part.job->with_other_text(*model, part.input.request, part.input.given)
                      : generate::VideoJob::prepare(*model, part.input.request, {memory_}, part.input.given);
  if (!job.ok()) return job.error();
  part.job = std::make_shared<const generate::VideoJob>(*std::move(job));
  entries_.push_front({blob, part});
  if (entries_.size() > kMostEntries) entries_.pop_back();
  return part;
}

}  // namespace starling::node
