// starling provider status: what providers of a network have done, earn and ask.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/events.h"
#include "cli/network.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/benchmark.h"
#include "ledger/json_fields.h"

namespace starling::cli {

namespace market = ledger::market;

namespace {

struct ProviderArguments {
  std::string network;
  std::string address;
  bool check = false;
  bool json = false;
};

std::string decimals(double value, const char* format) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// Whether the output that a provider reported is the benchmark's; nothing when it was not computed here.
using Checked = std::optional<bool>;

base::Result<Checked> check_benchmark(const market::Provider& provider, std::optional<Machine>& machine) {
  if (provider.measured_at == 0) return Checked();
  if (!machine.has_value()) {
    STARLING_ASSIGN(machine, start_machine(0));
  }
  STARLING_ASSIGN(const base::Hash root, generate::run_benchmark(provider.measured_seed, machine->engine));
  return Checked(root == provider.measured_root);
}

std::string words_of(const Checked& checked) {
  if (!checked.has_value()) return "by its own word: --check computes whether its output is right";
  return *checked ? "and its output is right" : "but its OUTPUT IS WRONG: it did not run it";
}

void print_record(const node::ProviderEntry& entry, const std::vector<node::PartEntry>& parts,
                  const base::Result<base::Json>& own, const Checked& checked) {
  const market::Provider& provider = entry.provider;
  print(entry.address.text() + "  " + base::printable(provider.endpoint));
  print("  earned   " + show_credits(provider.earned) + " credits, for " + std::to_string(provider.done) + " videos");
  print("  stake    " + show_credits(provider.stake) + " credits, of which " + show_credits(provider.locked) +
        " back what is in work");
  print("  record   " + std::to_string(provider.done) + " done, " + std::to_string(provider.late) + " late, " +
        std::to_string(provider.wrong) + " wrong");
  if (provider.busy_time > 0) {
    print("  speed    " +
          decimals(static_cast<double>(provider.work_done) / static_cast<double>(provider.busy_time) * 1e-6, "%.1f") +
          " x 10^9 multiply-adds a second, by its record");
  }
  if (provider.measured_at != 0) {
    print("  measured " + decimals(static_cast<double>(provider.measured_time) * 1e-3, "%.2f") +
          " s for the benchmark, on " + local_time(std::to_string(provider.measured_at)) + ", " + words_of(checked));
  }
  print("  asks     at most " + show_credits(provider.rate) + " credits for 10^12 multiply-adds");
  print("  queue    " + std::to_string(parts.size()) + " videos that are not settled, of " +
        std::to_string(provider.slots) + " slots");
  for (const node::PartEntry& part : parts) {
    print("    task " + std::to_string(part.task) + " part " + std::to_string(part.index) + "  " +
          market::name_of(part.part.state) + "  " + show_credits(part.part.price) + " credits");
  }
  if (!own.ok()) print("  it does not answer at its endpoint: " + base::printable(own.error().message));
}

// What the others ask: to win more is to ask less than the cheapest of them.
void print_market(const std::vector<node::ProviderEntry>& providers, const node::ProviderEntry& own) {
  std::optional<ledger::Motes> lowest;
  for (const node::ProviderEntry& other : providers) {
    if (other.address == own.address || other.provider.slots == 0) continue;
    lowest = std::min(lowest.value_or(other.provider.rate), other.provider.rate);
  }
  if (!lowest.has_value()) {
    print("  market   it is the only provider: every video that it can make is its own");
  } else if (*lowest <= own.provider.rate) {
    print("  market   the cheapest other asks at most " + show_credits(*lowest) + " credits" +
          ": to win more, ask less than that with --minimum-rate");
  } else {
    print("  market   it is the cheapest; the next asks at most " + show_credits(*lowest) + " credits" +
          ": more slots (--slots, --workers) win more");
  }
}

base::Result<int> status(const ProviderArguments& arguments) {
  base::catch_interrupts();
  STARLING_ASSIGN(const auto network, open_network(arguments.network));
  STARLING_ASSIGN(const std::vector<node::ProviderEntry> providers, network->ledger.providers());
  std::optional<base::Address> only;
  if (!arguments.address.empty()) {
    STARLING_ASSIGN(only, base::Address::from_text(arguments.address));
  }
  const auto is_wanted = [&](const node::ProviderEntry& entry) { return !only.has_value() || entry.address == *only; };
  if (only.has_value() && std::ranges::none_of(providers, is_wanted)) {
    return base::not_found(only->text() +
                           " is not registered as a provider in this network: starling provider status lists those "
                           "that are");
  }
  base::Json list = base::Json::empty_array();
  std::optional<Machine> machine;
  for (const node::ProviderEntry& entry : providers) {
    if (!is_wanted(entry)) continue;
    STARLING_ASSIGN(const std::vector<node::PartEntry> parts, network->ledger.parts_of(entry.address));
    // What it says of itself, if it can be reached from here.
    base::Result<base::Json> own = node::LedgerClient(network->http, entry.provider.endpoint).query("provider");
    Checked checked;
    if (arguments.check) {
      STARLING_ASSIGN(checked, check_benchmark(entry.provider, machine));
    }
    if (!arguments.json) {
      print_record(entry, parts, own, checked);
      print_market(providers, entry);
      continue;
    }
    base::Json json = ledger::to_json(entry.provider);
    base::Json queue = base::Json::empty_array();
    for (const node::PartEntry& part : parts) {
      base::Json item = ledger::to_json(part.part);
      item.set("task", part.task);
      item.set("part", part.index);
      queue.push(std::move(item));
    }
    json.set("address", entry.address.text());
    json.set("queue", std::move(queue));
    if (arguments.check) json.set("benchmark_right", checked.has_value() ? base::Json(*checked) : base::Json());
    json.set("own", own.ok() ? *own : base::Json());
    list.push(std::move(json));
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("providers", std::move(list));
    print_json(json);
  } else if (providers.empty()) {
    print("this network has no provider yet; starling node --role provider makes this machine one");
  }
  return kFine;
}

}  // namespace

Action declare_provider_status(Options& options) {
  auto a = std::make_shared<ProviderArguments>();
  options.text("ADDRESS", a->address, "Which provider; all of them if not given");
  options.flag("--check", a->check, "Run each one's last benchmark here, and say whether its output was right");
  options.text("--network", a->network, kNetworkHelp);
  options.json(a->json);
  return [a] { return status(*a); };
}

}  // namespace starling::cli
