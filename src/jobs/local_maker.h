#pragma once

#include <memory>
#include <optional>

#include "base/signature.h"
#include "base/thread_pool.h"
#include "exact/engine.h"
#include "generate/video_job.h"
#include "jobs/maker.h"
#include "jobs/pace.h"
#include "jobs/previews.h"
#include "models/checkpoint.h"

namespace starling::jobs {

struct LocalMakerOptions {
  const models::Checkpoint* model = nullptr;  // these two outlive the maker
  const base::SecretKey* key = nullptr;       // signs receipts
  base::Hash model_root;
  std::uint64_t memory = 0;  // bytes that a video may take
  int threads = 0;           // 0: one for each core
  Pace* pace = nullptr;      // told how long videos took; null: nobody is
};

// Makes videos on this machine. Its threads give way to others of the process. What is made beside the video lies in
// its folder: receipt, trace and, on the way, the journal, with which another process goes on.
class LocalMaker final : public Maker {
 public:
  explicit LocalMaker(const LocalMakerOptions& options) : options_(options), previews_(*options.model) {}
  base::Result<Outcome> make(const Making& making) override;
  base::Result<std::uint64_t> abandon(const Video& video) override;

 private:
  base::Status begin();
  base::Result<generate::VideoJob> prepare(const Making& making);
  base::Result<Outcome> run(const generate::VideoJob& job, const Making& making);

  const LocalMakerOptions options_;
  std::optional<exact::Engine> engine_;
  std::unique_ptr<base::ThreadPool> pool_;
  std::optional<generate::VideoJob> last_;  // another video of its program need not be planned again
  Previews previews_;
  const Making* making_ = nullptr;
};

}  // namespace starling::jobs
