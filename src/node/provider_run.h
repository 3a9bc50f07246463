#pragma once

#include <functional>

#include "base/signature.h"
#include "generate/video_job.h"
#include "node/provider_jobs.h"
#include "node/provider_part.h"
#include "store/blobs.h"

namespace starling::node {

// What it takes to compute a part. The objects named outlive the run.
struct PartRun {
  store::Blobs& blobs;
  const base::SecretKey& key;  // signs the receipt
  const PartFolder& folder;
  PartName name;
  base::Hash input;  // the blob that describes the part
  const ReadyPart& part;
  std::int64_t now = 0;  // Unix seconds
  // Told how many calls are done, from the last one that an earlier process did; an error ends the run with it.
  std::function<base::Status(std::uint32_t calls)> progress;
};

// Runs the part, going on where an earlier process stopped; puts receipt, frames and trace among the blobs, pinned; and
// makes the result durable with a salt of its own.
base::Result<PartResult> run_part(const PartRun& run, exact::Engine& engine, base::ThreadPool* pool);

// How far a part is, as the ledger takes it.
struct PartCalls {
  std::uint32_t calls = 0;
  base::Hash root;  // list root of their roots
};
// Of a part that was stopped, from its journal. Never all calls: only a result shows those.
base::Result<PartCalls> calls_done(const PartRun& run);

// Lets go of the blobs of a result.
void unpin_result(const PartName& name, const PartResult& result, store::Blobs& blobs);

}  // namespace starling::node
