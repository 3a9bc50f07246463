// starling devnet: a whole network on this machine, until it is told to stop.
#include "node/devnet.h"

#include <filesystem>
#include <thread>

#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "cli/temporary_home.h"
#include "exact/backend.h"
#include "models/fast_model.h"
#include "node/key_store.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct DevnetArguments {
  std::string home;
  std::string model;
  std::int64_t providers = 2;
  std::int64_t port = 0;
  std::int64_t threads = 0;
  bool json = false;
};

base::Json node_json(const node::DevnetNode& node) {
  base::Json json = base::Json::empty_object();
  json.set("name", node.name);
  json.set("address", node.address.text());
  json.set("url", node.url);
  json.set("home", node.home.string());
  return json;
}

void announce(const node::Devnet& devnet, const base::Address& rich, bool json) {
  if (json) {
    base::Json nodes = base::Json::empty_array();
    for (const node::DevnetNode& node : devnet.nodes()) nodes.push(node_json(node));
    base::Json object = base::Json::empty_object();
    object.set("url", devnet.url());
    object.set("chain_id", node::kDevnetChain);
    object.set("account", rich.text());
    object.set("nodes", std::move(nodes));
    print_json(object);
    return;
  }
  print("The network is at " + devnet.url() + "; account " + rich.text() + " has 1,000 test credits.");
  print("Try, in another terminal:");
  print("  starling generate \"a red ball bounces on green ground\" -o ball.mp4 --network " + devnet.url());
  print("  starling provider status --network " + devnet.url());
  print("Ctrl-C stops it.");
}

base::Result<int> run(const DevnetArguments& arguments) {
  base::catch_interrupts();
  if (arguments.providers > 0) STARLING_TRY(exact::check_backend());
  node::DevnetOptions options;
  STARLING_ASSIGN(options.program, base::own_program());
  STARLING_ASSIGN(options.model, find_model(arguments.model));
  for (const fs::path& folder : models::model_family(options.model)) {
    STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
    STARLING_ASSIGN(const base::Hash root, model.root());
    options.genesis_models.push_back({root, models::model_name(folder)});
  }
  STARLING_ASSIGN(const node::KeyHome keys, node::KeyHome::from_environment());
  STARLING_ASSIGN(const base::SecretKey key, node::default_key(keys));
  options.rich = {key.address()};
  options.providers = static_cast<int>(arguments.providers);
  options.port = static_cast<std::uint16_t>(arguments.port);
  if (arguments.threads > 0) options.provider_arguments = {"--threads", std::to_string(arguments.threads)};

  std::unique_ptr<TemporaryHome> temporary;
  if (arguments.home.empty()) {
    STARLING_ASSIGN(temporary, TemporaryHome::make("devnet"));
    options.home = temporary->path();
  } else {
    options.home = fs::absolute(arguments.home);
  }
  STARLING_ASSIGN(const std::unique_ptr<node::Devnet> devnet,
                  node::Devnet::start(
                      options, [](const std::string& step) { note(step); }, base::check_interrupt));
  announce(*devnet, key.address(), arguments.json);
  while (!base::interrupted()) {
    STARLING_TRY(devnet->check([](const std::string& word) { note("note: " + word); }));
    std::this_thread::sleep_for(kPollTime);
  }
  note("stopping the network");
  devnet->stop();
  return kFine;
}

}  // namespace

Action declare_devnet(Options& options) {
  auto a = std::make_shared<DevnetArguments>();
  options.integer("--providers", a->providers, 0, 64, "Nodes that make videos (2)");
  options.text("--home", a->home, "Folder that keeps the network; without it, it is forgotten at the end");
  options.integer("--port", a->port, 0, 65535, "Port of the gateway on 127.0.0.1; 0: any that is free");
  options.text("--model", a->model, "Folder of the model that is offered; the bundled one if not given");
  options.integer("--threads", a->threads, 0, 512, "Threads of each provider; 0: one per core");
  options.flag("--json", a->json, "Print one JSON object when the network is ready");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
