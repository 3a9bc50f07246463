#include "node/devnet.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "base/wall_clock.h"
#include "ledger/amount.h"
#include "node/key_store.h"
#include "node/ledger_client.h"

namespace starling::node {

namespace fs = std::filesystem;

namespace {

constexpr ledger::Motes kRich = 1000 * ledger::kMotesPerCredit;
constexpr ledger::Motes kProviderCredits = 100 * ledger::kMotesPerCredit;
constexpr std::chrono::seconds kReadyTime{60};
constexpr std::chrono::seconds kStopTime{10};
constexpr std::chrono::milliseconds kPollTime{100};

base::Json motes(ledger::Motes value) { return std::to_string(value); }

// The address of a node's key, which is made with its home.
base::Result<base::Address> node_address(const fs::path& home) {
  STARLING_TRY(base::make_directories(home, base::FileMode::kPrivate));
  STARLING_ASSIGN(const base::SecretKey key, default_key(KeyHome{home, std::nullopt}));
  return key.address();
}

base::Error ended(const DevnetNode& node, int code) {
  return base::io_error("the devnet's " + node.name + " ended with code " + std::to_string(code) + "; its log is " +
                        (node.home / "log").string());
}

// That a network which is kept gave everybody credits who takes part in it now.
base::Status check_genesis(const fs::path& file, const DevnetOptions& options,
                           const std::vector<base::Address>& providers) {
  constexpr std::size_t kMaxGenesisBytes = std::size_t{1} << 20;
  STARLING_ASSIGN(const std::string text, base::read_text_file(file, kMaxGenesisBytes));
  STARLING_ASSIGN(const base::Json genesis, base::Json::parse(text, file.string()));
  STARLING_ASSIGN(const base::Json* const bank, genesis.object("bank"));
  STARLING_ASSIGN(const base::Json* const accounts, bank->object("accounts"));
  const auto lacks = [&](const base::Address& address) { return !accounts->has(address.text()); };
  if (const auto stranger = std::ranges::find_if(options.rich, lacks); stranger != options.rich.end()) {
    return base::invalid("the network in " + options.home.string() + " gave its credits to another account than " +
                         stranger->text() + ": start it with the STARLING_HOME that it was made with, or choose " +
                         "another --home for a new network");
  }
  const auto newcomer = std::ranges::find_if(providers, lacks);
  if (newcomer == providers.end()) return {};
  const auto had = std::to_string(newcomer - providers.begin());
  return base::invalid("the network in " + options.home.string() + " was made with " + had +
                       " providers: start it with --providers " + had + " or fewer, or choose another --home for a " +
                       "network with more");
}

// What a node prints when it serves.
base::Result<std::string> ready_url(base::ChildProcess& process, const DevnetNode& node,
                                    const std::function<base::Status()>& stop) {
  for (auto left = std::chrono::milliseconds(kReadyTime); left.count() > 0; left -= kPollTime) {
    STARLING_TRY(stop());
    const base::Result<std::string> line = process.read_line(kPollTime);
    if (line.ok()) {
      STARLING_ASSIGN(const base::Json json, base::Json::parse(*line, "what a node prints"));
      const base::Json* const error = json.find("error");
      if (error == nullptr) return json.text("url");
      STARLING_ASSIGN(const std::string why, error->text("message"));
      return base::Error{base::ErrorCode::kIo, "the devnet's " + node.name + " did not start: " + why};
    }
    if (line.error().code == base::ErrorCode::kIo) return ended(node, process.wait(kStopTime));
  }
  return base::limit_error("the devnet's " + node.name + " is not ready after a minute; its log is " +
                           (node.home / "log").string());
}

// Until the ledger has its stake and its benchmark, so that it may take tasks.
base::Status wait_until_registered(const LedgerClient& ledger, const DevnetNode& node, base::ChildProcess& process,
                                   const std::function<base::Status()>& stop) {
  STARLING_ASSIGN(const ledger::market::Parameters rules, ledger.market());
  const auto end = std::chrono::steady_clock::now() + kReadyTime;
  ChainTip tip;
  while (std::chrono::steady_clock::now() < end) {
    STARLING_TRY(stop());
    const auto known = ledger.provider(node.address);
    if (known.ok() && known->stake >= rules.minimum_stake && known->measured_at != 0) return {};
    if (!known.ok() && known.error().code != base::ErrorCode::kNotFound) return known.error();
    if (const std::optional<int> code = process.exit_code(); code.has_value()) return ended(node, *code);
    STARLING_ASSIGN(tip, ledger.wait(tip.height, kPollTime));
  }
  return base::limit_error("the devnet's " + node.name + " is not registered after a minute; its log is " +
                           (node.home / "log").string());
}

}  // namespace

base::Json devnet_genesis(const base::Address& validator, const std::vector<base::Address>& providers,
                          const std::vector<base::Address>& rich, const std::vector<GenesisModel>& models,
                          std::uint64_t time) {
  base::Json chain = base::Json::empty_object();
  chain.set("chain_id", kDevnetChain);
  chain.set("fee_account", validator.text());
  chain.set("fee_per_byte", 1);
  chain.set("fee_per_work", 10);
  chain.set("max_block_bytes", 16'000'000);
  chain.set("max_block_work", 1'000'000);
  chain.set("time", motes(time));

  base::Json accounts = base::Json::empty_object();
  for (const base::Address& address : providers) accounts.set(address.text(), motes(kProviderCredits));
  for (const base::Address& address : rich) accounts.set(address.text(), motes(kRich));
  base::Json bank = base::Json::empty_object();
  bank.set("accounts", std::move(accounts));

  base::Json entries = base::Json::empty_array();
  for (const GenesisModel& model : models) {
    base::Json entry = base::Json::empty_object();
    entry.set("model", "0x" + model.root.hex());
    entry.set("owner", validator.text());
    entry.set("name", model.name);
    entry.set("royalty", 250);
    entry.set("locations", base::Json::empty_array());
    entries.push(std::move(entry));
  }

  base::Json market = base::Json::empty_object();
  market.set("minimum_stake", motes(ledger::kMotesPerCredit));
  market.set("auction_time", 50);
  market.set("reveal_time", 10'000);
  market.set("challenge_time", 500);
  market.set("cancel_time", 2'000);
  market.set("unbonding_time", 60'000);
  market.set("suspension_time", 10'000);
  market.set("collateral", 20'000);
  market.set("late_penalty", 5'000);
  market.set("attempts", 3);
  market.set("benchmark_age", 0);

  base::Json genesis = base::Json::empty_object();
  genesis.set("chain", std::move(chain));
  genesis.set("bank", std::move(bank));
  genesis.set("models", std::move(entries));
  genesis.set("market", std::move(market));
  return genesis;
}

base::Result<std::unique_ptr<Devnet>> Devnet::start(const DevnetOptions& options,
                                                    const std::function<void(const std::string&)>& say,
                                                    const std::function<base::Status()>& stop) {
  STARLING_TRY(base::make_directories(options.home, base::FileMode::kPrivate));
  std::unique_ptr<Devnet> devnet(new Devnet());
  std::vector<base::Address> providers;
  for (int i = 0; i <= options.providers; ++i) {
    DevnetNode node;
    node.name = i == 0 ? "validator" : "provider-" + std::to_string(i);
    node.home = options.home / node.name;
    STARLING_ASSIGN(node.address, node_address(node.home));
    if (i > 0) providers.push_back(node.address);
    devnet->nodes_.push_back(std::move(node));
  }
  const fs::path genesis_file = options.home / "genesis.json";
  std::error_code error;
  if (fs::exists(genesis_file, error)) {
    STARLING_TRY(check_genesis(genesis_file, options, providers));
  } else {
    const base::Json genesis =
        devnet_genesis(devnet->nodes_.front().address, providers, options.rich, options.genesis_models,
                       static_cast<std::uint64_t>(base::unix_milliseconds()));
    STARLING_TRY(base::write_file(genesis_file, base::as_bytes(genesis.to_text(2) + "\n")));
  }

  for (DevnetNode& node : devnet->nodes_) {
    const bool validates = &node == &devnet->nodes_.front();
    say("starting " + node.name);
    std::vector<std::string> arguments{
        options.program.string(), "node", "--home", node.home.string(), "--json", "--model", options.model.string()};
    if (validates) {
      arguments.insert(arguments.end(), {"--role", "validator,gateway", "--genesis", genesis_file.string(), "--listen",
                                         "127.0.0.1:" + std::to_string(options.port)});
    } else {
      arguments.insert(arguments.end(), {"--role", "provider", "--ledger", devnet->url(), "--listen", "127.0.0.1:0"});
      arguments.insert(arguments.end(), options.provider_arguments.begin(), options.provider_arguments.end());
    }
    STARLING_ASSIGN(base::ChildProcess process, base::ChildProcess::start(arguments, {.log = node.home / "log"}));
    devnet->processes_.push_back(std::move(process));
    // The providers need the validator's address; among themselves they start at once.
    if (validates) {
      STARLING_ASSIGN(node.url, ready_url(devnet->processes_.back(), node, stop));
    }
  }
  for (std::size_t i = 1; i < devnet->nodes_.size(); ++i) {
    STARLING_ASSIGN(devnet->nodes_[i].url, ready_url(devnet->processes_[i], devnet->nodes_[i], stop));
  }
  HttpClient http;
  const LedgerClient ledger(http, devnet->url());
  for (std::size_t i = 1; i < devnet->nodes_.size(); ++i) {
    STARLING_TRY(wait_until_registered(ledger, devnet->nodes_[i], devnet->processes_[i], stop));
  }
  return devnet;
}

Devnet::~Devnet() { stop(); }

base::Status Devnet::check(const std::function<void(const std::string&)>& say) {
  ended_.resize(processes_.size(), false);
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    const std::optional<int> code = processes_[i].exit_code();
    if (!code.has_value() || ended_[i]) continue;
    if (i == 0) return ended(nodes_[i], *code);
    ended_[i] = true;
    say(ended(nodes_[i], *code).message);
  }
  return {};
}

void Devnet::stop() {
  // A second request to stop would end a process at once, so each gets one.
  for (std::size_t i = 1; i < processes_.size(); ++i) processes_[i].ask_to_stop();
  while (!processes_.empty()) {
    if (processes_.size() == 1) processes_.back().ask_to_stop();
    processes_.back().wait(kStopTime);
    processes_.pop_back();
  }
}

}  // namespace starling::node
