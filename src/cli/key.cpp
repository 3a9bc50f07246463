// starling key: who may use starling serve.
#include <memory>
#include <optional>

#include "base/wall_clock.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/events.h"
#include "cli/gateway_home.h"
#include "cli/output.h"
#include "jobs/api_keys.h"

namespace starling::cli {
namespace {

constexpr std::int64_t kMostPerMinute = 1'000'000;
constexpr std::int64_t kMostDays = 36'500;
constexpr const char* kIdHelp = "The key's id, as starling key list shows it";
constexpr std::string_view kAnyBudget = "any";

struct KeyArguments {
  std::string home;
  std::string name;
  std::string scopes = "read,write";
  std::string budget;
  std::string webhook;
  std::string id;
  std::optional<std::int64_t> per_minute;
  std::optional<std::int64_t> days;
  bool json = false;
};

struct Opened {
  std::unique_ptr<jobs::Database> database;
  std::unique_ptr<jobs::ApiKeys> keys;
};

base::Result<Opened> open(const KeyArguments& arguments) {
  Opened opened;
  STARLING_ASSIGN(const std::filesystem::path home, gateway_home(arguments.home));
  STARLING_ASSIGN(opened.database, open_gateway_database(home));
  STARLING_ASSIGN(opened.keys, jobs::ApiKeys::open(*opened.database));
  return opened;
}

std::optional<std::int64_t> expiry(const KeyArguments& arguments, std::int64_t now) {
  constexpr std::int64_t kDay = 86'400;
  if (arguments.days.value_or(0) == 0) return std::nullopt;
  return now + *arguments.days * kDay;
}

base::Result<int> create(const KeyArguments& arguments) {
  jobs::NewKey wanted;
  wanted.name = arguments.name;
  STARLING_ASSIGN(wanted.scopes, jobs::Scopes::from_text(arguments.scopes));
  if (!arguments.budget.empty()) {
    STARLING_ASSIGN(wanted.budget, read_credits(arguments.budget));
  }
  wanted.per_minute = static_cast<std::uint32_t>(arguments.per_minute.value_or(0));
  wanted.webhook_url = arguments.webhook;
  const std::int64_t now = base::unix_seconds();
  wanted.expires_at = expiry(arguments, now);
  STARLING_ASSIGN(const Opened opened, open(arguments));
  STARLING_ASSIGN(const jobs::ApiKeys::Created created, opened.keys->create(wanted, now));
  if (arguments.json) {
    base::Json json = to_json(created.key);
    json.set("secret", created.secret);
    if (!created.key.webhook_secret.empty()) json.set("webhook_secret", created.key.webhook_secret);
    print_json(json);
    return kFine;
  }
  print("id       " + created.key.id);
  print("secret   " + created.secret);
  if (!created.key.webhook_secret.empty()) print("webhook  signed with " + created.key.webhook_secret);
  note("the secret is shown this once; the server keeps only its hash");
  return kFine;
}

constexpr std::int64_t kMilliseconds = 1000;

std::string expiry_text(const jobs::ApiKey& key) {
  if (!key.expires_at || key.revoked_at) return {};
  return (*key.expires_at <= base::unix_seconds() ? "  expired " : "  expires ") +
         local_time(std::to_string(*key.expires_at * kMilliseconds));
}

std::string line_of(const jobs::ApiKey& key) {
  const std::string budget = key.budget ? " of " + show_credits(*key.budget) : "";
  const std::string pace = key.per_minute > 0 ? "  " + std::to_string(key.per_minute) + " a minute" : "";
  return key.id + "  " + key.scopes.text() + "  spent " + show_credits(key.spent) + budget + " credits" + pace +
         "  made " + local_time(std::to_string(key.created_at * kMilliseconds)) + (key.revoked_at ? "  revoked" : "") +
         expiry_text(key) + (key.name.empty() ? "" : "  " + base::Json(key.name).to_text());
}

base::Result<int> list(const KeyArguments& arguments) {
  STARLING_ASSIGN(const Opened opened, open(arguments));
  STARLING_ASSIGN(const std::vector<jobs::ApiKey> keys, opened.keys->list());
  if (arguments.json) {
    base::Json list = base::Json::empty_array();
    for (const jobs::ApiKey& key : keys) list.push(to_json(key));
    base::Json json = base::Json::empty_object();
    json.set("keys", std::move(list));
    print_json(json);
    return kFine;
  }
  if (keys.empty()) print("there is no key: starling key create makes one");
  for (const jobs::ApiKey& key : keys) print(line_of(key));
  return kFine;
}

base::Result<int> set(const KeyArguments& arguments) {
  jobs::KeyChange change;
  if (arguments.budget == kAnyBudget) {
    change.budget.emplace();
  } else if (!arguments.budget.empty()) {
    STARLING_ASSIGN(const std::uint64_t budget, read_credits(arguments.budget));
    change.budget.emplace(budget);
  }
  if (arguments.per_minute) change.per_minute = static_cast<std::uint32_t>(*arguments.per_minute);
  const std::int64_t now = base::unix_seconds();
  if (arguments.days) change.expires_at = expiry(arguments, now);
  if (!change.budget && !change.per_minute && !change.expires_at) {
    return base::invalid("say what is to be different: give --budget, --per-minute, --days, or several");
  }
  STARLING_ASSIGN(const Opened opened, open(arguments));
  STARLING_ASSIGN(const jobs::ApiKey key, opened.keys->change(arguments.id, change, now));
  if (arguments.json) {
    print_json(to_json(key));
  } else {
    print(line_of(key));
  }
  return kFine;
}

base::Result<int> revoke(const KeyArguments& arguments) {
  STARLING_ASSIGN(const Opened opened, open(arguments));
  STARLING_TRY(opened.keys->revoke(arguments.id, base::unix_seconds()));
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("id", arguments.id);
    json.set("revoked", true);
    print_json(json);
  } else {
    print(arguments.id + " works no more");
  }
  return kFine;
}

std::shared_ptr<KeyArguments> declare(Options& options) {
  auto a = std::make_shared<KeyArguments>();
  options.text("--home", a->home, kGatewayHomeHelp);
  options.json(a->json);
  return a;
}

}  // namespace

Action declare_key_create(Options& options) {
  const auto a = declare(options);
  options.text("--name", a->name, "A word for people");
  options.text("--scopes", a->scopes,
               "What it lets its holder do: read, write, keys (make and revoke keys), or several with commas");
  options.text("--budget", a->budget, "Credits that may be paid with it in all; any number if not given");
  options.integer("--per-minute", a->per_minute, 0, kMostPerMinute, "Things it may ask for a minute; 0: any number");
  options.integer("--days", a->days, 0, kMostDays,
                  "Days that it works from now on; 0 or not given: until it is revoked");
  options.text("--webhook", a->webhook, "URL that is told of each of its videos that ends");
  return [a] { return create(*a); };
}

Action declare_key_list(Options& options) {
  const auto a = declare(options);
  return [a] { return list(*a); };
}

Action declare_key_set(Options& options) {
  const auto a = declare(options);
  options.text("ID", a->id, kIdHelp, Options::Presence::kRequired);
  options.text("--budget", a->budget, "Credits that may be paid with it in all, also before; any: any number");
  options.integer("--per-minute", a->per_minute, 0, kMostPerMinute, "Things it may ask for a minute; 0: any number");
  options.integer("--days", a->days, 0, kMostDays, "Days that it works from now on; 0: until it is revoked");
  return [a] { return set(*a); };
}

Action declare_key_revoke(Options& options) {
  const auto a = declare(options);
  options.text("ID", a->id, kIdHelp, Options::Presence::kRequired);
  return [a] { return revoke(*a); };
}

}  // namespace starling::cli
