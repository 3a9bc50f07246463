// starling node: one machine of a network, until it is told to stop.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include "api/blob_endpoints.h"
#include "api/copy_endpoints.h"
#include "api/event_endpoints.h"
#include "api/ledger_endpoints.h"
#include "api/market_endpoints.h"
#include "api/provider_endpoints.h"
#include "api/server.h"
#include "api/supply_endpoint.h"
#include "api/wallet_rpc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/wall_clock.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/listen.h"
#include "cli/network.h"
#include "cli/node_roles.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "consensus/embedded.h"
#include "exact/backend.h"
#include "models/fast_model.h"
#include "node/blob_exchange.h"
#include "node/follower.h"
#include "node/key_store.h"
#include "node/model_store.h"
#include "node/part_input.h"
#include "node/provider.h"
#include "node/task_inputs.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct NodeArguments {
  std::string home;
  std::string roles = "validator,gateway";
  std::string listen = "127.0.0.1:7001";
  std::string url;
  std::string genesis;
  std::string ledger;
  std::string orderer;
  std::string models;
  std::string rate = "1";
  std::string minimum_rate;
  std::string stake = "10";
  std::string hours;
  std::int64_t workers = 1;
  std::int64_t threads = 0;
  std::int64_t slots = 0;
  std::int64_t memory = 0;
  std::int64_t spare_disk = 16;
  std::int64_t quota = 64;
  std::int64_t keep = 24;
  bool any_model = false;
  std::string log = "text";
  bool json = false;
};

constexpr std::size_t kMaxGenesisBytes = std::size_t{16} << 20;
constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
constexpr std::chrono::seconds kNodeTidyTime{60};

template <typename T>
bool read_number(std::string_view text, T& value) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

base::Result<std::optional<node::Hours>> read_hours(const std::string& text) {
  if (text.empty()) return std::optional<node::Hours>();
  node::Hours hours;
  const std::size_t dash = text.find('-');
  constexpr int kDay = 24;
  if (dash == std::string::npos || !read_number(std::string_view(text).substr(0, dash), hours.from) ||
      !read_number(std::string_view(text).substr(dash + 1), hours.to) || hours.from < 0 || hours.from > kDay ||
      hours.to < 0 || hours.to > kDay) {
    return base::invalid("\"" + text + "\" are no hours: give FROM-TO, such as 22-6 for the night");
  }
  return std::optional(hours);
}

// Everything that a node is made of, in the order of its making.
struct Node {
  Roles roles;
  fs::path home;
  std::optional<base::SecretKey> key;
  base::Metrics metrics;
  std::unique_ptr<store::Blobs> blobs;
  std::unique_ptr<store::Blobs> uploads;  // of a gateway
  node::HttpClient http;
  std::string ledger;  // the other node whose chain this one uses; empty: it is a validator
  std::unique_ptr<consensus::Chain> chain;
  std::unique_ptr<node::TaskInputs> inputs;
  std::optional<node::BlobExchange> exchange;
  std::optional<node::BlobExchange> inputs_exchange;  // of a gateway: into its uploads
  std::unique_ptr<node::ModelStore> models;
  std::atomic<const node::Provider*> serving = nullptr;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<node::Provider> provider;
  std::string url;

  ~Node() {
    // What waits in the chain holds the server's workers, and the server shows the provider.
    inputs.reset();
    if (provider) provider->stop();
    if (chain) chain->stop();
    if (server) server->stop();
  }
};

// Whose chain the one in this home is a copy of.
fs::path copy_mark(const fs::path& home) { return home / "follows"; }

// Two nodes that order one chain would make two of it.
base::Status check_not_copy(const fs::path& home) {
  constexpr std::size_t kMaxUrlBytes = 1024;
  const base::Result<std::string> followed = base::read_text_file(copy_mark(home), kMaxUrlBytes);
  if (!followed.ok() && followed.error().code == base::ErrorCode::kNotFound) return {};
  if (!followed.ok()) return followed.error();
  return base::invalid(home.string() + " holds a copy of the chain of " + *followed + ": go on with --role gateway " +
                       "--ledger " + *followed + "; to order the chain here, when nobody else does any more, remove " +
                       copy_mark(home).string());
}

// That the node followed takes the inputs which are uploaded here; one that is away is asked for nothing.
base::Status check_followed(Node& node) {
  const auto status = node::LedgerClient(node.http, node.ledger, base::interrupted).query("status");
  if (!status.ok()) return {};
  STARLING_ASSIGN(const base::Json* const roles, status->array("roles"));
  for (const base::Json& role : roles->elements()) {
    const base::Result<std::string> name = role.as_text();
    if (name.ok() && *name == "gateway") return {};
  }
  return base::invalid(node.ledger + " is no gateway and takes no uploads: follow one with the role gateway");
}

// The chain that a validator orders, or the copy of another node's that a gateway keeps.
base::Status open_chain(const NodeArguments& arguments, Node& node) {
  std::optional<base::Json> genesis;
  if (!arguments.genesis.empty()) {
    STARLING_ASSIGN(const std::string text, base::read_text_file(arguments.genesis, kMaxGenesisBytes));
    STARLING_ASSIGN(genesis, base::Json::parse(text, arguments.genesis));
  }
  if (node.roles.validator) {
    STARLING_ASSIGN(base::SecretKey key, node::default_key({node.home, std::nullopt}));
    STARLING_ASSIGN(node.chain, consensus::Embedded::open(node.home / "chain", genesis, std::move(key)));
    return {};
  }
  node::FollowerOptions options;
  options.home = node.home / "chain";
  options.upstream = node.ledger;
  options.genesis = std::move(genesis);
  if (!arguments.orderer.empty()) {
    STARLING_ASSIGN(options.orderer, base::Address::from_text(arguments.orderer));
  }
  options.cancelled = base::interrupted;
  STARLING_TRY(check_followed(node));
  STARLING_TRY(base::write_file(copy_mark(node.home), base::as_bytes(node.ledger)));
  STARLING_ASSIGN(node.chain, node::Follower::start(std::move(options), node.http, node.metrics));
  return {};
}

// What people upload has bounds of its own, so that it takes no room of models and results.
base::Status open_uploads(Node& node) {
  store::BlobOptions options;
  options.quota_bytes = node::kUploadBytes;
  options.most_blobs = node::kMostUploads;
  STARLING_ASSIGN(node.uploads, store::Blobs::open(node.home / "uploads", options));
  node.inputs_exchange.emplace(node.http, *node.uploads, base::unix_seconds);
  STARLING_ASSIGN(node.inputs, node::TaskInputs::start(*node.chain, *node.uploads));
  return {};
}

// An answer of the node followed; that it gives none is no fault of this one.
base::Status of_followed(const Node& node, const base::Status& status) {
  if (status.ok() || status.error().code != base::ErrorCode::kIo) return status;
  return base::io_error("the gateway " + node.ledger + ", which this one follows, does not do its part (" +
                        status.error().message + "); try again later, or ask another gateway");
}

// What makes the gateways of a network one place for inputs: those that follow hand uploads on to the one they follow,
// and get from it what they lack.
api::BlobEndpointOptions blob_endpoint_options(Node& node) {
  api::BlobEndpointOptions options;
  options.now = base::unix_seconds;
  options.uploads = node.uploads.get();
  options.upload_bytes = node::kMaxPartInputBytes;
  if (!node.roles.follows()) return options;
  options.hand_on = [&node](base::ByteView bytes) -> base::Status {
    const auto given = node.exchange->upload(node.ledger, bytes);
    return of_followed(node, given.ok() ? base::Status() : given.error());
  };
  options.bring = [&node](const base::Hash& name) -> base::Status {
    node::FetchOptions fetch;
    fetch.most_bytes = node::kMaxPartInputBytes;
    fetch.cancelled = base::interrupted;
    // Among the uploads, where the inputs of open tasks are kept and all others give way.
    const auto brought = node.inputs_exchange->fetch(name, {node.ledger}, fetch);
    return of_followed(node, brought.ok() ? base::Status() : brought.error());
  };
  return options;
}

base::Status serve(const NodeArguments& arguments, Node& node) {
  api::Router router;
  router.add(api::blob_routes(*node.blobs, blob_endpoint_options(node)));
  router.add(api::model_files_route(*node.models, base::unix_seconds));
  if (node.chain) {
    api::LedgerEndpointOptions options;
    options.roles = node.roles.names();
    options.version = STARLING_VERSION;
    options.address = node.key->address();
    options.follows = node.ledger;
    router.add(api::ledger_routes(*node.chain, options, &node.metrics));
    router.add(api::market_routes(*node.chain));
    router.add(api::supply_route(*node.chain));
    router.add(api::event_routes(*node.chain));
    router.add(api::wallet_rpc_route(*node.chain));
    router.add(api::copy_routes(*node.chain, node.home / "chain" / "genesis.json"));
  }
  if (node.roles.provider) {
    router.add(api::provider_routes([&node] { return node.serving.load(); }));
  }
  router.add(api::metrics_route(node.metrics));
  STARLING_ASSIGN(const api::ServerOptions listen, read_listen(arguments.listen));
  STARLING_ASSIGN(node.server, api::Server::start(std::move(router), listen, &node.metrics));
  node.url = arguments.url.empty() ? node.server->url() : arguments.url;
  return node::check_base_url(node.url);
}

base::Status provide(const NodeArguments& arguments, Node& node) {
  node::ProviderOptions options;
  options.home = node.home / "provider";
  options.endpoint = node.url;
  // What its own chain says is known; another node's word is believed.
  options.ledger = node.chain ? node.server->url() : node.ledger;
  if (node.chain) options.model_source = node.ledger;
  options.any_model = arguments.any_model;
  if (!arguments.any_model) options.models = node.models->roots();
  options.workers = static_cast<int>(arguments.workers);
  options.threads = static_cast<int>(arguments.threads);
  options.slots = static_cast<std::uint32_t>(arguments.slots);
  options.memory_mebibytes = static_cast<std::uint64_t>(arguments.memory);
  options.spare_disk_mebibytes = static_cast<std::uint64_t>(arguments.spare_disk);
  STARLING_ASSIGN(options.rate, read_credits(arguments.rate));
  if (!arguments.minimum_rate.empty()) {
    STARLING_ASSIGN(options.minimum_rate, read_credits(arguments.minimum_rate));
  }
  STARLING_ASSIGN(options.stake, read_credits(arguments.stake));
  STARLING_ASSIGN(options.hours, read_hours(arguments.hours));
  options.keep = std::chrono::hours(arguments.keep);
  STARLING_ASSIGN(node.provider,
                  node::Provider::start(std::move(options), {node.http, *node.key, *node.blobs, *node.models,
                                                             *node.exchange, node.metrics}));
  node.serving = node.provider.get();
  return {};
}

base::Status start(const NodeArguments& arguments, Node& node) {
  STARLING_ASSIGN(node.roles, read_roles(arguments.roles));
  STARLING_TRY(check_role_options(node.roles,
                                  {!arguments.ledger.empty(), !arguments.genesis.empty(), !arguments.orderer.empty()}));
  if (node.roles.provider) STARLING_TRY(exact::check_backend());
  if (!node.roles.validator) {
    STARLING_ASSIGN(node.ledger, find_network(arguments.ledger, "--ledger"));
  }
  node.home = fs::absolute(arguments.home);
  STARLING_TRY(base::make_directories(node.home, base::FileMode::kPrivate));
  if (node.roles.validator) STARLING_TRY(check_not_copy(node.home));
  STARLING_ASSIGN(node.key, node::default_key({node.home, std::nullopt}));
  store::BlobOptions blob_options;
  blob_options.quota_bytes = static_cast<std::uint64_t>(arguments.quota * kGibibyte);
  STARLING_ASSIGN(node.blobs, store::Blobs::open(node.home / "blobs", blob_options));
  node::ModelStore::Prepare prepare;
  if (node.roles.provider) {
    prepare = [](models::Checkpoint& model, const base::Hash& root) -> base::Status {
      STARLING_ASSIGN(const Machine machine, start_machine(1));
      return use_packed_weights(model, root, machine);
    };
  }
  STARLING_ASSIGN(node.models, node::ModelStore::open(node.home / "models", *node.blobs, std::move(prepare)));
  std::vector<fs::path> folders;
  for (const std::string& folder : split_list(arguments.models)) folders.emplace_back(folder);
  if (folders.empty() && !arguments.any_model) {
    STARLING_ASSIGN(const fs::path folder, find_model(""));
    folders.push_back(folder);
  }
  for (const fs::path& named : folders) {
    for (const fs::path& folder : models::model_family(named)) {
      STARLING_ASSIGN(const base::Hash root, node.models->add(folder));
      base::log(base::LogLevel::kInfo, "model", {{"root", root.hex()}, {"folder", folder.string()}});
    }
  }
  node.exchange.emplace(node.http, *node.blobs, base::unix_seconds);
  if (node.roles.keeps_chain()) STARLING_TRY(open_chain(arguments, node));
  if (node.roles.gateway) STARLING_TRY(open_uploads(node));
  STARLING_TRY(serve(arguments, node));
  if (node.roles.provider) STARLING_TRY(provide(arguments, node));
  return {};
}

base::Result<int> run(const NodeArguments& arguments) {
  base::catch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);  // a peer that hangs up while a file is sent to it
  base::set_log(base::LogLevel::kInfo, arguments.log == "json" ? base::LogFormat::kJson : base::LogFormat::kText);
  Node node;
  STARLING_TRY(start(arguments, node));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("url", node.url);
    json.set("address", node.key->address().text());
    json.set("roles", arguments.roles);
    print_json(json);
  } else {
    print("serving " + node.url + " as " + arguments.roles + " with account " + node.key->address().text());
  }
  auto next_tidying = std::chrono::steady_clock::now() + kNodeTidyTime;
  while (!base::interrupted()) {
    std::this_thread::sleep_for(kPollTime);
    if (std::chrono::steady_clock::now() < next_tidying) continue;
    next_tidying += kNodeTidyTime;
    for (store::Blobs* const blobs : {node.blobs.get(), node.uploads.get()}) {
      if (blobs == nullptr) continue;
      const auto collected = blobs->collect(base::unix_seconds());
      if (!collected.ok()) base::log(base::LogLevel::kError, collected.error().message);
    }
  }
  base::log(base::LogLevel::kInfo, "stopping");
  return kFine;
}

}  // namespace

Action declare_node(Options& options) {
  auto a = std::make_shared<NodeArguments>();
  options.text("--home", a->home, "Folder of everything the node keeps; made if it is not there",
               Options::Presence::kRequired);
  options.text("--role", a->roles,
               "validator (orders transactions), gateway (answers for the chain and takes uploads; alone it keeps a "
               "copy of another node's chain), provider (makes videos); several with commas between them");
  options.text("--listen", a->listen, "ADDRESS:PORT to serve on; port 0 takes any that is free");
  options.text("--url", a->url, "Where others reach this node, if not at the address it listens on");
  options.text(
      "--genesis", a->genesis,
      "First start of a validator, and of a gateway that trusts no other's: the genesis file (docs/ledger.md)");
  options.text("--ledger,--network", a->ledger,
               "Without the role validator: URL of a gateway of the network; without it, that of STARLING_NETWORK");
  options.text("--orderer", a->orderer,
               "Gateway that follows: the account that must have signed the blocks; else whoever signed the first");
  options.text("--model", a->models, "Folders of models, with commas between them; the bundled one if not given");
  options.flag("--any-model", a->any_model, "Run every registered model; those that are not here are fetched");
  options.integer("--workers", a->workers, 1, 64, "Videos made at a time");
  options.integer("--threads", a->threads, 0, 512,
                  "Threads of all workers together, at least one each; 0: one per core");
  options.integer("--slots", a->slots, 0, 64, "Parts held at a time; 0: two a worker, so that none waits");
  options.integer("--memory", a->memory, 0, std::int64_t{1} << 24,
                  "MiB for all videos that are made at a time together; 0: three quarters of the machine's");
  options.integer("--spare-disk", a->spare_disk, 0, std::int64_t{1} << 40, "MiB of the disk to leave free");
  options.text("--rate", a->rate, "The most it asks: credits for 10^12 multiply-adds");
  options.text("--minimum-rate", a->minimum_rate, "The least it takes; as --rate if not given");
  options.text("--stake", a->stake, "Credits to have at stake");
  options.text("--hours", a->hours, "When it bids, in local time, such as 22-6; always if not given");
  options.integer("--quota", a->quota, 1, 1'000'000, "GiB for blobs");
  options.integer("--keep", a->keep, 1, 24 * 365, "Hours that results are served");
  options.choice("--log", a->log, {"text", "json"}, "Form of the log on standard error");
  options.flag("--json", a->json, "Print one JSON object when the node serves");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
