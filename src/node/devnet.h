#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/process.h"
#include "base/result.h"
#include "base/signature.h"

namespace starling::node {

inline constexpr std::uint64_t kDevnetChain = 7001;

// A model that the genesis registers.
struct GenesisModel {
  base::Hash root;
  std::string name;
};

// The genesis of a network for one machine: quick auctions, short windows, test credits. `rich` get 1,000 credits each,
// `providers` 100; the validator gets the fees, and the models' royalty of 2.5 %. time: in milliseconds since 1970.
base::Json devnet_genesis(const base::Address& validator, const std::vector<base::Address>& providers,
                          const std::vector<base::Address>& rich, const std::vector<GenesisModel>& models,
                          std::uint64_t time);

struct DevnetOptions {
  std::filesystem::path program;  // that the nodes run: starling
  std::filesystem::path home;     // of the whole network: a folder for each node, with its log
  std::uint16_t port = 0;         // of the validator; 0: any
  int providers = 2;
  std::vector<base::Address> rich;
  std::filesystem::path model;  // folder
  std::vector<GenesisModel> genesis_models;
  std::vector<std::string> provider_arguments;  // more of them for `starling node`
};

struct DevnetNode {
  std::string name;  // "validator", "provider-1", ...
  base::Address address;
  std::string url;
  std::filesystem::path home;
};

// A whole network on this machine, a process for each node: one validator, which is the gateway too, and providers. It
// ends with this object, and with the process that made it. A home that held a network before goes on with that one, if
// it gave credits to all of `rich` and had as many providers.
class Devnet {
 public:
  // Returns when all are ready, and all providers may take tasks. say: gets a word on each step. stop: polled
  // meanwhile; its error ends the start.
  static base::Result<std::unique_ptr<Devnet>> start(const DevnetOptions& options,
                                                     const std::function<void(const std::string&)>& say,
                                                     const std::function<base::Status()>& stop);
  ~Devnet();
  Devnet(const Devnet&) = delete;
  Devnet& operator=(const Devnet&) = delete;

  // The validator first.
  const std::vector<DevnetNode>& nodes() const { return nodes_; }
  const std::string& url() const { return nodes_.front().url; }
  // An error when the validator ended by itself. The network goes on without a provider: say gets a word on each that
  // ended, once.
  base::Status check(const std::function<void(const std::string&)>& say);
  // Ends the providers, then the validator.
  void stop();

 private:
  Devnet() = default;
  std::vector<DevnetNode> nodes_;
  std::vector<base::ChildProcess> processes_;  // of the node of the same index
  std::vector<bool> ended_;
};

}  // namespace starling::node
