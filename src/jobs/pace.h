#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/hash.h"
#include "base/result.h"
#include "exact/graph.h"
#include "generate/text_to_video.h"
#include "jobs/database.h"
#include "models/checkpoint.h"

namespace starling::jobs {

struct PaceOptions {
  const models::Checkpoint* model = nullptr;  // outlives the pace
  base::Hash model_root;
  std::int64_t most_seconds = 0;  // that a video may take; 0: any time
  int threads = 0;                // that make a video; 0: one for each core
};

// How long videos of a model take on this machine: their work, which is known before they are made, over the speed at
// which the last ones were made. The database keeps that; before the first, a measurement of products stands for it,
// from which little is expected. Thread safe.
class Pace {
 public:
  // database outlives the pace. Measures for a moment where the database knows nothing.
  static base::Result<std::unique_ptr<Pace>> open(Database& database, const PaceOptions& options);

  // Seconds that it takes to make it. Precondition: generate::check_request() found nothing.
  base::Result<double> seconds(const generate::TextToVideo& request);
  // Whether it is known at once that it takes no longer than it may. Else the first of a size and duration builds a
  // program, and a refusal some, which computes.
  bool fits(const generate::TextToVideo& request) const;
  // kLimit when it takes longer than it may: says how long, and what is near and does not.
  base::Status check(const generate::TextToVideo& request);
  // So much work of a video was done in that time.
  void note(const exact::Work& work, double seconds);

 private:
  Pace(Database& database, const PaceOptions& options) : database_(database), options_(options) {}
  base::Status load();
  base::Result<std::uint64_t> work_of(const generate::TextToVideo& request);

  Database& database_;
  const PaceOptions options_;
  mutable std::mutex mutex_;
  bool guessed_ = false;                        // what follows is of products alone
  double work_ = 0;                             // of the last videos, in multiply-adds
  double time_ = 0;                             // that they took, in seconds
  std::map<std::string, std::uint64_t> works_;  // by what decides a program
};

}  // namespace starling::jobs
