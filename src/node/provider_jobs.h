#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "generate/video_job.h"
#include "node/model_store.h"
#include "node/part_input.h"
#include "store/blobs.h"

namespace starling::node {

// A part's video, ready to run.
struct ReadyPart {
  PartInput input;
  std::shared_ptr<const generate::VideoJob> job;
};

// What was prepared last, so that a part is not prepared once to look at it and again to run it, and the parts of a
// batch share their program. Thread safe.
class ProviderJobs {
 public:
  // Both outlive this. memory: bytes that a part may take.
  ProviderJobs(ModelStore& models, store::Blobs& blobs, std::uint64_t memory)
      : models_(models), blobs_(blobs), memory_(memory) {}

  // The input that a blob holds, which must be here.
  base::Result<PartInput> input(const base::Hash& blob, std::int64_t now) const;
  // kNotFound when the blob or the model is not here; other errors: the request does not suit the model, or the memory.
  base::Result<ReadyPart> ready(const base::Hash& blob, std::int64_t now);

 private:
  struct Entry {
    base::Hash blob;
    ReadyPart part;
  };
  ModelStore& models_;
  store::Blobs& blobs_;
  std::uint64_t memory_;
  std::mutex mutex_;
  std::deque<Entry> entries_;  // the latest first
};

}  // namespace starling::node
