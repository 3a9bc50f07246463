// starling serve: OpenAI's Videos API, until it is told to stop.
#include <arpa/inet.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <limits>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "api/ledger_endpoints.h"
#include "api/server.h"
#include "api/studio.h"
#include "api/tls_pair.h"
#include "api/videos/access.h"
#include "api/videos/check_endpoint.h"
#include "api/videos/errors.h"
#include "api/videos/image_endpoints.h"
#include "api/videos/key_endpoints.h"
#include "api/videos/model_endpoints.h"
#include "api/videos/model_files.h"
#include "api/videos/network_endpoints.h"
#include "api/videos/openapi.h"
#include "api/videos/video_endpoints.h"
#include "api/videos/video_events.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/wall_clock.h"
#include "cli/commands.h"
#include "cli/credits.h"
#include "cli/gateway_home.h"
#include "cli/listen.h"
#include "cli/network.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "exact/backend.h"
#include "generate/clip_process.h"
#include "jobs/local_maker.h"
#include "jobs/network_maker.h"
#include "jobs/pace.h"
#include "jobs/runner.h"
#include "jobs/webhooks.h"
#include "models/fast_model.h"
#include "node/key_store.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

struct ServeArguments {
  std::string home;
  std::string listen = "127.0.0.1:8000";
  std::string network;
  std::string max_price;
  std::optional<std::int64_t> time_limit;  // seconds
  std::string model;
  bool fast = false;
  std::string origins;
  std::string certificate;
  std::string private_key;
  std::string public_url;
  std::int64_t threads = 0;
  std::optional<std::int64_t> workers;
  std::int64_t keep = 7 * 24;
  std::int64_t most_pixels = std::int64_t{1} << 28;
  std::optional<std::int64_t> most_seconds;
  std::string log = "text";
  bool local = false;
  bool json = false;
};

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;
constexpr std::chrono::milliseconds kRefreshTime{200};
constexpr std::chrono::seconds kFoldTime{1};
constexpr std::chrono::seconds kServeTidyTime{10};

// Whether only this machine reaches it.
bool is_loopback(const std::string& address) {
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127U;
  return address == "::1";
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// Everything that the server is made of, in the order of its making.
struct Serving {
  std::optional<base::SecretKey> key;
  std::optional<models::Checkpoint> model;
  base::Hash model_root;
  std::unique_ptr<jobs::Database> database;
  std::unique_ptr<jobs::ApiKeys> keys;
  std::unique_ptr<jobs::Pace> pace;
  std::unique_ptr<jobs::VideoQueue> queue;
  std::unique_ptr<jobs::Webhooks> webhooks;
  std::unique_ptr<api::videos::Access> access;
  std::unique_ptr<api::videos::VideoEvents> events;
  std::unique_ptr<jobs::Checker> checker;
  node::HttpClient http;
  base::Metrics metrics;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<jobs::Runner> runner;

  ~Serving() {
    runner.reset();
    if (server) server->stop();
    server.reset();
  }
};

base::Status open_queue(const ServeArguments& arguments, const fs::path& home, Serving& serving) {
  STARLING_ASSIGN(serving.database, open_gateway_database(home));
  STARLING_ASSIGN(serving.keys, jobs::ApiKeys::open(*serving.database));
  jobs::QueueOptions options;
  options.folder = home / "videos";
  constexpr std::int64_t kHour = 3600;
  options.keep_seconds = arguments.keep * kHour;
  // A video that others make ends no process here, and its task is paid for.
  if (!arguments.network.empty()) options.most_attempts = 0;
  STARLING_ASSIGN(serving.queue, jobs::VideoQueue::open(*serving.database, options));
  serving.webhooks = std::make_unique<jobs::Webhooks>(*serving.database, base::unix_seconds);
  serving.queue->set_on_end(jobs::Webhooks::enter);
  return {};
}

// Videos that are made at a time.
std::int64_t workers(const ServeArguments& arguments) {
  constexpr std::int64_t kThere = 8;
  return arguments.workers.value_or(arguments.network.empty() ? 1 : kThere);
}

// What a video may take of this machine's memory.
std::uint64_t memory(const ServeArguments& arguments) {
  return arguments.network.empty() ? base::usable_memory().bytes / static_cast<std::uint64_t>(workers(arguments))
                                   : std::numeric_limits<std::uint64_t>::max();
}

// What a network may be asked to make a video for.
base::Result<node::Wishes> read_wishes(const ServeArguments& arguments) {
  node::Wishes wishes;
  if (!arguments.max_price.empty()) {
    STARLING_ASSIGN(wishes.max_price, read_credits(arguments.max_price));
  }
  constexpr std::uint64_t kMilliseconds = 1000;
  if (arguments.time_limit) wishes.time_limit = static_cast<std::uint64_t>(*arguments.time_limit) * kMilliseconds;
  return wishes;
}

// Who says what a video comes to.
base::Status set_quote(const ServeArguments& arguments, Serving& serving, api::videos::Gateway& gateway) {
  if (arguments.network.empty()) {
    gateway.quote = [&model = *serving.model, most = memory(arguments)](const jobs::NewVideo& video) {
      return jobs::quote_here(model, video, most);
    };
    return {};
  }
  STARLING_ASSIGN(const std::string url, find_network(arguments.network));
  STARLING_ASSIGN(const node::Wishes wishes, read_wishes(arguments));
  gateway.quote = [&serving, url, wishes](const jobs::NewVideo& video) {
    return jobs::quote_there(*serving.model, serving.model_root, video, serving.http, url, wishes, base::interrupted);
  };
  return {};
}

base::Status start_network_makers(const ServeArguments& arguments, const fs::path& home, Serving& serving) {
  jobs::NetworkMakerOptions options;
  options.model = &*serving.model;
  options.key = &*serving.key;
  options.model_root = serving.model_root;
  STARLING_ASSIGN(options.url, find_network(arguments.network));
  STARLING_ASSIGN(options.orders, orders_folder());
  STARLING_ASSIGN(options.lock, sending_lock(serving.key->address()));
  STARLING_ASSIGN(options.wishes, read_wishes(arguments));
  options.videos = home / "videos";
  options.taken = [&queue = *serving.queue](const std::string& id, std::uint64_t task) {
    return queue.is_taken(id, task);
  };
  options.ordering = std::make_shared<std::shared_mutex>();
  options.stopping = base::interrupted;
  std::vector<std::unique_ptr<jobs::Maker>> makers;
  for (std::int64_t i = 0; i < workers(arguments); ++i) {
    options.blobs = home / "fetched" / std::to_string(i);
    STARLING_TRY(base::make_directories(options.blobs, base::FileMode::kPrivate));
    STARLING_ASSIGN(std::unique_ptr<jobs::Maker> maker, jobs::NetworkMaker::open(options));
    makers.push_back(std::move(maker));
  }
  serving.runner = std::make_unique<jobs::Runner>(*serving.queue, std::move(makers), base::unix_seconds);
  return {};
}

base::Status start_makers(const ServeArguments& arguments, const fs::path& home, Serving& serving) {
  if (!arguments.network.empty()) return start_network_makers(arguments, home, serving);
  jobs::LocalMakerOptions options;
  options.model = &*serving.model;
  options.key = &*serving.key;
  options.model_root = serving.model_root;
  options.memory = memory(arguments);
  options.threads = static_cast<int>(arguments.threads);
  options.pace = serving.pace.get();
  std::vector<std::unique_ptr<jobs::Maker>> makers;
  for (std::int64_t i = 0; i < workers(arguments); ++i) makers.push_back(std::make_unique<jobs::LocalMaker>(options));
  serving.runner = std::make_unique<jobs::Runner>(*serving.queue, std::move(makers), base::unix_seconds);
  return {};
}

base::Status read_tls(const ServeArguments& arguments, api::ServerOptions& options) {
  if (arguments.certificate.empty() != arguments.private_key.empty()) {
    return base::invalid(
        "TLS takes a certificate and its private key: give --tls-certificate and --tls-key, or neither");
  }
  if (arguments.certificate.empty()) return {};
  STARLING_ASSIGN(options.certificate, base::read_text_file(arguments.certificate, kMaxPemBytes));
  STARLING_ASSIGN(options.private_key, base::read_text_file(arguments.private_key, kMaxPemBytes));
  return api::check_tls_pair({arguments.certificate, options.certificate},
                             {arguments.private_key, options.private_key});
}

// Without the slashes at its end.
base::Result<std::string> read_public_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const std::size_t host = url.find("://");
  const bool is_url = (url.starts_with("http://") || url.starts_with("https://")) && url.size() > host + 3;
  if (url.empty() || (is_url && url.find_first_of(" ?#\"<>\\") == std::string::npos)) return url;
  return base::invalid("\"" + url + "\" is no public URL: give one such as https://videos.example.org");
}

base::Status start_server(const ServeArguments& arguments, const fs::path& model_folder, Serving& serving) {
  STARLING_ASSIGN(api::ServerOptions options, read_listen(arguments.listen));
  if (!is_loopback(options.address) && !serving.keys->required()) {
    return base::invalid("others reach " + options.address +
                         ", and there is no key: make one with starling key create, or listen on 127.0.0.1");
  }
  // A video whose threads are interrupted at any moment waits for the last of them at every loop.
  options.gives_way = arguments.network.empty();
  STARLING_TRY(read_tls(arguments, options));
  serving.access = std::make_unique<api::videos::Access>(
      *serving.keys, api::videos::AccessOptions{split_list(arguments.origins), base::unix_milliseconds});
  options.screen = [&access = *serving.access](std::string_view method, const api::Request& request) {
    return access.screen(method, request);
  };
  api::videos::Gateway gateway;
  gateway.queue = serving.queue.get();
  gateway.access = serving.access.get();
  gateway.keys = serving.keys.get();
  gateway.pace = serving.pace.get();
  gateway.now = base::unix_seconds;
  STARLING_ASSIGN(gateway.public_url, read_public_url(arguments.public_url));
  gateway.scheme = options.certificate.empty() ? "http" : "https";
  options.on_error = api::videos::spell_error;
  gateway.rules.model = &*serving.model;
  gateway.rules.model_name = models::model_name(model_folder);
  gateway.rules.model_created = base::unix_seconds();
  gateway.rules.model_folder = model_folder;
  gateway.rules.model_root = serving.model_root;
  gateway.rules.fit_clip = [](base::ByteView file, const generate::TextToVideo& request, std::int64_t most) {
    return generate::fit_clip_apart(file, request, most);
  };
  gateway.rules.network = !arguments.network.empty();
  gateway.rules.usual = default_request(serving.model->config());
  gateway.rules.memory = memory(arguments);
  gateway.rules.window = default_window(serving.model->config());
  gateway.rules.most_pixels = static_cast<std::uint64_t>(arguments.most_pixels);
  STARLING_TRY(set_quote(arguments, serving, gateway));
  api::Router router;
  router.add(api::videos::video_routes(gateway));
  router.add(api::videos::model_routes(gateway));
  router.add(api::videos::model_file_routes(gateway));
  router.add(api::videos::image_route(gateway));
  serving.events = std::make_unique<api::videos::VideoEvents>(*serving.queue);
  router.add(api::videos::video_events_route(gateway, *serving.events));
  jobs::CheckerOptions checks;
  checks.model = &*serving.model;
  checks.model_root = serving.model_root;
  checks.memory = base::usable_memory().bytes / 2;
  checks.threads = static_cast<int>(arguments.threads);
  serving.checker = std::make_unique<jobs::Checker>(checks);
  router.add(api::videos::check_route(gateway, *serving.checker));
  router.add(api::videos::key_routes(gateway, *serving.keys));
  if (!arguments.network.empty()) {
    api::videos::NetworkEndpointOptions network;
    STARLING_ASSIGN(network.url, find_network(arguments.network));
    network.cancelled = base::interrupted;
    router.add(api::videos::network_routes(serving.http, network));
  }
  router.add(api::videos::openapi_route());
  router.add(api::studio_routes());
  router.add(api::metrics_route(serving.metrics));
  STARLING_ASSIGN(serving.server, api::Server::start(std::move(router), options, &serving.metrics));
  return {};
}

base::Result<int> run(const ServeArguments& arguments) {
  base::catch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);  // a client that hangs up while a file is sent to it
  base::set_log(base::LogLevel::kInfo, arguments.log == "json" ? base::LogFormat::kJson : base::LogFormat::kText);
  Serving serving;
  if (arguments.local && !arguments.network.empty()) return base::invalid("give either --local or --network, not both");
  if (arguments.network.empty() && (!arguments.max_price.empty() || arguments.time_limit)) {
    return base::invalid("--max-price and --time-limit are for videos that a network makes: give --network too");
  }
  if (!arguments.network.empty() && arguments.most_seconds) {
    return base::invalid("--most-seconds is for videos that are made on this machine; on a network, --time-limit");
  }
  STARLING_TRY(exact::check_backend());  // of checks as well, whoever makes the videos
  STARLING_ASSIGN(const fs::path home, gateway_home(arguments.home));
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.model, arguments.fast));
  STARLING_ASSIGN(serving.model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(serving.model_root, serving.model->root());
  if (arguments.network.empty()) {
    STARLING_ASSIGN(const Machine machine, start_machine(1));
    STARLING_TRY(use_packed_weights(*serving.model, serving.model_root, machine));
  }
  STARLING_ASSIGN(serving.key, open_account_key());
  STARLING_TRY(open_queue(arguments, home, serving));
  if (arguments.network.empty()) {
    constexpr std::int64_t kQuarterOfAnHour = 900;
    STARLING_ASSIGN(serving.pace,
                    jobs::Pace::open(*serving.database, {&*serving.model, serving.model_root,
                                                         arguments.most_seconds.value_or(kQuarterOfAnHour),
                                                         static_cast<int>(arguments.threads)}));
  }
  STARLING_TRY(start_server(arguments, fs::canonical(folder), serving));
  STARLING_TRY(start_makers(arguments, home, serving));
  const std::string url = serving.server->url();
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("url", url);
    json.set("base_url", url + "/v1");
    json.set("model", models::model_name(folder));
    json.set("keys", serving.keys->required());
    print_json(json);
  } else {
    print("serving OpenAI's Videos API on " + url + "/v1" +
          (serving.keys->required() ? "" : ", to this machine, without keys"));
  }
  auto next_refresh = std::chrono::steady_clock::now();
  auto next_folding = next_refresh;
  auto next_tidying = next_refresh;
  const auto report_failure = [](const base::Status& status) {
    if (!status.ok()) base::log(base::LogLevel::kError, status.error().message);
  };
  while (!base::interrupted()) {
    std::this_thread::sleep_for(kPollTime);
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_refresh) {
      next_refresh = now + kRefreshTime;
      report_failure(serving.keys->refresh());
    }
    if (now >= next_tidying) {
      next_tidying = now + kServeTidyTime;
      report_failure(serving.queue->expire(base::unix_seconds()));
    }
    if (now >= next_folding) {
      next_folding = now + kFoldTime;
      report_failure(serving.database->fold_deletions());
    }
  }
  base::log(base::LogLevel::kInfo, "stopping");
  return kFine;
}

}  // namespace

Action declare_serve(Options& options) {
  auto a = std::make_shared<ServeArguments>();
  options.flag("--local", a->local, "Make videos on this machine; so it is unless --network is given");
  options.text("--network", a->network, "URL of a network's gateway: providers make the videos, and are paid for them");
  options.text("--max-price", a->max_price, "On a network: credits that each video may cost");
  options.integer("--time-limit", a->time_limit, 1, static_cast<std::int64_t>(node::kMostTimeLimit / 1000),
                  "On a network: seconds that a provider has for a video before it goes to another");
  options.text("--listen", a->listen, "ADDRESS:PORT to serve on; port 0 takes any that is free");
  options.text("--home", a->home, kGatewayHomeHelp);
  options.text("--model", a->model, "Folder of a Wan model in the diffusers layout; the bundled one if not given");
  options.flag("--fast", a->fast, "Serve the model's kin of few steps, which is the model in its folder fast");
  options.integer("--workers", a->workers, 1, 64, "Videos made at a time; 1, or 8 on a network");
  options.integer("--threads", a->threads, 0, 512, "Threads of each worker; 0: one per core");
  options.integer("--keep", a->keep, 0, 24 * 3650, "Hours after which a finished video is deleted; 0: never");
  options.integer("--most-pixels", a->most_pixels, 1, std::int64_t{1} << 40,
                  "Pixels of all frames of a video together");
  options.integer("--most-seconds", a->most_seconds, 0, std::int64_t{1} << 31,
                  "On this machine: seconds that making a video may take here, 900 if not given; 0: any time");
  options.text("--allow-origin", a->origins, "Origins of pages that may ask, with commas between them; *: any");
  options.text("--tls-certificate", a->certificate, "PEM file of the server's certificate: then it speaks TLS only");
  options.text("--tls-key", a->private_key, "PEM file of that certificate's private key");
  options.text("--public-url", a->public_url,
               "Where clients find it, such as https://videos.example.org of a proxy; else as they name it themselves");
  options.choice("--log", a->log, {"text", "json"}, "Form of the log on standard error");
  options.flag("--json", a->json, "Print one JSON object when it serves");
  return [a] { return run(*a); };
}

}  // namespace starling::cli
