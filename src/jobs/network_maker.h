#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "base/signature.h"
#include "jobs/maker.h"
#include "models/checkpoint.h"
#include "node/requester.h"

namespace starling::jobs {

struct NetworkMakerOptions {
  const models::Checkpoint* model = nullptr;  // these two outlive the maker
  const base::SecretKey* key = nullptr;       // of the account that pays
  base::Hash model_root;
  std::string url;               // of a gateway of the network
  std::filesystem::path videos;  // where the folder of each video lies, under its id
  std::filesystem::path blobs;   // folder of what is fetched; no other maker's
  std::filesystem::path orders;  // where the inputs of orders are kept
  std::filesystem::path lock;    // shared by all that send for the account
  node::Wishes wishes;           // what a video may cost, and how long it may take
  std::function<bool(const std::string& id, std::uint64_t task)> taken;  // whether the task is another video's
  // Of all makers together: held while a task is submitted and written down, alone while one is looked for, so that no
  // task of a video that asks for the same is mistaken for one that was lost.
  std::shared_ptr<std::shared_mutex> ordering;
  std::function<bool()> stopping;  // the process ends
  // How long a video waits for the first provider that can make it: those of a network that comes back are back later.
  std::chrono::seconds provider_patience{300};
};

// Has videos made by the providers of a network. A task that was submitted is found again after a kill, so that nothing
// is paid twice; while the network is away, what is asked waits.
class NetworkMaker final : public Maker {
 public:
  static base::Result<std::unique_ptr<NetworkMaker>> open(const NetworkMakerOptions& options);
  base::Result<Outcome> make(const Making& making) override;
  base::Result<std::uint64_t> abandon(const Video& video) override;

 private:
  explicit NetworkMaker(const NetworkMakerOptions& options);
  base::Result<std::uint64_t> order(const Making& making, const node::Order& order);
  base::Result<std::optional<std::uint64_t>> find_task(const Video& video);
  base::Result<node::Quote> quote(const node::Order& order);
  // Those that the video goes on from; null: none.
  base::Result<generate::GivenFrames> given_of(const Video& video) const;
  base::Result<Outcome> save(const Making& making, std::uint64_t task, const node::Delivery& delivery);
  // Tries again as long as the network does not answer.
  template <typename Ask>
  auto patiently(const Ask& ask) -> decltype(ask());

  const NetworkMakerOptions options_;
  node::HttpClient http_;
  const node::LedgerClient ledger_;
  node::Account account_;
  std::unique_ptr<store::Blobs> blobs_;
  std::optional<node::BlobExchange> exchange_;
  std::optional<node::Requester> requester_;
  const Making* making_ = nullptr;
  WaitsFor waits_for_ = WaitsFor::kNothing;  // while the network answers
};

}  // namespace starling::jobs
