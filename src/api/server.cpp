#include "api/server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "api/connections.h"
#include "api/exchange.h"
#include "api/listener.h"
#include "api/worker_pool.h"
#include "base/log.h"

namespace starling::api {
namespace {

// So much of a body that is refused is read all the same, so that its sender gets to read the answer.
constexpr std::uint64_t kSwallowed = std::uint64_t{1} << 20;
// A body of so many bytes is taken however much others hold; there are as many at most as connections.
constexpr std::size_t kAlwaysHeld = 8192;
constexpr auto kGrace = std::chrono::seconds(2);

using Held = std::shared_ptr<Exchange>;

Response busy(const char* why) { return busy_response("BUSY", why); }

Response too_long(std::size_t limit) {
  return error_response(413, "LIMIT", "the body has more than " + std::to_string(limit) + " bytes");
}

struct Headers {
  Request& request;
  std::string wrong = {};  // what two readers could understand in two ways
};

MHD_Result keep_header(void* into, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  auto& headers = *static_cast<Headers*>(into);
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool is_name = lower.find_first_of(" \t") == std::string::npos;
  const bool once = lower == "content-length" || lower == "transfer-encoding" || lower == "host";
  const bool first = headers.request.headers.emplace(lower, value == nullptr ? "" : value).second;
  if (!is_name) headers.wrong = "a header's name has a space: '" + lower + "'";
  if (once && !first) headers.wrong = "the header " + lower + " is there twice";
  return MHD_YES;
}

bool is_chunked(std::string_view encoding) {
  return std::ranges::equal(encoding, std::string_view("chunked"), {},
                            [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
}

// Path and query of a target; a client that takes this server for its proxy sends a whole URL (RFC 9112, 3.2.2).
std::string path_of(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return std::string(target);
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  if (path == std::string_view::npos) return "/";
  return (target[path] == '?' ? "/" : "") + std::string(target.substr(path));
}

// Bytes that are announced to come.
std::uint64_t announced_bytes(const Request& request) {
  constexpr std::uint64_t kMany = std::numeric_limits<std::uint64_t>::max();
  if (request.headers.contains("transfer-encoding")) return kMany;
  const std::string& text = request.header("content-length");
  std::uint64_t bytes = 0;
  if (text.empty()) return 0;
  return std::from_chars(text.data(), text.data() + text.size(), bytes).ec == std::errc() ? bytes : kMany;
}

// MHD's own decoding is put out of action: the router decodes.
size_t leave_escaped(void* /*context*/, MHD_Connection* /*connection*/, char* text) { return std::strlen(text); }

std::string peer_of(MHD_Connection* connection) {
  const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return "";
  constexpr std::size_t kNetworkBytes = 8;  // of an IPv6 address: one customer's
  if (info->client_addr->sa_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, info->client_addr, sizeof address);
    return {reinterpret_cast<const char*>(&address.sin_addr), sizeof address.sin_addr};
  }
  if (info->client_addr->sa_family != AF_INET6) return "";
  sockaddr_in6 address{};
  std::memcpy(&address, info->client_addr, sizeof address);
  return {reinterpret_cast<const char*>(&address.sin6_addr), kNetworkBytes};
}

int computing_threads(int wanted) {
  return wanted > 0 ? wanted : std::max(2, static_cast<int>(std::thread::hardware_concurrency())) + 1;
}

// While it lives, threads that are started do not interrupt what runs when they wake, but for what is due to them.
class Patience {
 public:
  explicit Patience(bool wanted) : changed_(wanted && ::sched_getscheduler(0) == SCHED_OTHER) {
    if (changed_) set(SCHED_BATCH);
  }
  ~Patience() {
    if (changed_) set(SCHED_OTHER);
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  static void set(int policy) {
    const sched_param none{};
    (void)::sched_setscheduler(0, policy, &none);
  }
  const bool changed_;
};

void free_text(void* text) { delete static_cast<std::string*>(text); }

// Hands a body that comes bit by bit to MHD; sleeps while there is nothing to send.
class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  StreamReader(std::shared_ptr<BodyStream> stream, MHD_Connection* handle, const Connection& connection)
      : stream_(std::move(stream)), handle_(handle), connection_(connection) {}

  ssize_t read(char* buffer, std::size_t most) {
    while (true) {
      // What is sent to nobody shows only after a while.
      if (connection_.is_left()) return MHD_CONTENT_READER_END_WITH_ERROR;
      std::optional<std::string> text;
      if (!is_ended()) text = stream_->read(most, [self = shared_from_this()] { self->wake(); });
      if (!text) return MHD_CONTENT_READER_END_OF_STREAM;
      if (!text->empty()) {
        std::ranges::copy(*text, buffer);
        return static_cast<ssize_t>(text->size());
      }
      const std::lock_guard lock(mutex_);
      if (std::exchange(woken_, false)) continue;
      asleep_ = true;
      MHD_suspend_connection(handle_);
      return 0;
    }
  }
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    if (std::exchange(asleep_, false)) MHD_resume_connection(handle_);
  }
  // The server stops.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    wake();
  }
  void close() { stream_->close(); }

 private:
  bool is_ended() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    return ended_;
  }
  const std::shared_ptr<BodyStream> stream_;
  MHD_Connection* const handle_;
  const Connection& connection_;  // is there as long as the handle is
  std::mutex mutex_;
  bool woken_ = false;
  bool asleep_ = false;
  bool ended_ = false;
};

// Those that are being sent, so that none sleeps when the server stops.
struct Streams {
  std::mutex mutex;
  bool stopping = false;
  std::set<std::shared_ptr<StreamReader>> readers;

  void end_all() {
    std::set<std::shared_ptr<StreamReader>> left;
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      left = readers;
    }
    for (const auto& reader : left) reader->end();
  }
};

// What MHD holds of a response that is a stream.
struct StreamBody {
  std::shared_ptr<Streams> all;
  std::shared_ptr<StreamReader> reader;
};

ssize_t read_stream(void* body, std::uint64_t /*position*/, char* buffer, size_t most) {
  return static_cast<StreamBody*>(body)->reader->read(buffer, most);
}

void free_stream(void* held) {
  const std::unique_ptr<StreamBody> body(static_cast<StreamBody*>(held));
  {
    const std::lock_guard lock(body->all->mutex);
    body->all->readers.erase(body->reader);
  }
  body->reader->close();
}

MHD_Response* stream_response(const std::shared_ptr<Streams>& all, const Response& response, MHD_Connection* handle,
                              const Connection& connection) {
  constexpr std::size_t kBlock = 8192;
  auto body = std::make_unique<StreamBody>(
      StreamBody{all, std::make_shared<StreamReader>(response.stream, handle, connection)});
  {
    const std::lock_guard lock(all->mutex);
    if (all->stopping) return nullptr;
    all->readers.insert(body->reader);
  }
  MHD_Response* const made =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kBlock, &read_stream, body.get(), &free_stream);
  StreamBody* const held = body.release();
  if (made == nullptr) free_stream(held);
  return made;
}

MHD_Response* make_response(Response& response) {
  if (response.file && response.file->size > 0) {
    const std::uint64_t size = response.file->size;
    return MHD_create_response_from_fd_at_offset64(size, response.file->file.release(), response.file->offset);
  }
  if (response.file || response.body.empty()) {
    return MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT);
  }
  auto* const text = new std::string(std::move(response.body));
  MHD_Response* const made =
      MHD_create_response_from_buffer_with_free_callback_cls(text->size(), text->data(), &free_text, text);
  if (made == nullptr) delete text;
  return made;
}

// What is counted of a route.
struct RouteMetrics {
  std::array<base::Counter*, 6> by_class{};  // of the status: 2xx at 2
  base::Histogram* seconds = nullptr;
};

// Requests whose connections sleep until they are answered. Answers may outlive the server, so they share this.
struct Waiting {
  std::mutex mutex;
  bool stopping = false;
  std::set<Held> exchanges;

  // False when the server stops.
  bool add(const Held& exchange) {
    const std::lock_guard lock(mutex);
    if (!stopping) exchanges.insert(exchange);
    return !stopping;
  }
  // Gives a request its response and wakes its connection, once.
  void give(const Held& exchange, Response response) {
    {
      const std::lock_guard lock(mutex);
      exchanges.erase(exchange);
    }
    const std::lock_guard lock(exchange->mutex);
    if (std::exchange(exchange->answered, true)) return;
    exchange->response = std::move(response);
    MHD_resume_connection(exchange->handle);
  }
};

}  // namespace

struct Server::State {
  State(Router given_router, const ServerOptions& given, const Listener& where, base::Metrics* given_metrics);
  ~State();

  bool start(std::size_t most_connections);
  void stop();

  // Called by MHD.
  static void* on_target(void* self, const char* target, MHD_Connection* connection);
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                               const char* version, const char* data, size_t* size, void** held);
  static void on_completed(void* self, MHD_Connection* connection, void** held, MHD_RequestTerminationCode code);
  static void on_connection(void* self, MHD_Connection* connection, void** known, MHD_ConnectionNotificationCode code);

  MHD_Result begin(Exchange& exchange, MHD_Connection* connection, const char* method);
  MHD_Result receive(Exchange& exchange, const char* data, size_t* size);
  MHD_Result dispatch(const Held& exchange);
  MHD_Result send(Exchange& exchange, Response response);
  // Counts bytes of bodies that came or went; those there are now.
  std::size_t hold(std::size_t more, std::size_t less);
  void let_go_of_body(Exchange& exchange);
  void count(const Exchange& exchange);
  void register_metrics();

  const Router router;
  const ServerOptions options;
  const Listener listener;
  base::Metrics* const metrics;
  Connections connections;
  WorkerPool workers;
  WorkerPool computing;
  MHD_Daemon* daemon = nullptr;
  std::atomic<std::size_t> buffered = 0;
  std::atomic<std::size_t> in_progress = 0;

  const std::shared_ptr<Waiting> waiting = std::make_shared<Waiting>();
  const std::shared_ptr<Streams> streams = std::make_shared<Streams>();

  std::vector<RouteMetrics> route_metrics;  // as the router's routes, and one for what fits none
  base::Counter* bytes_in = nullptr;
  base::Counter* bytes_out = nullptr;
  base::Counter* connections_taken = nullptr;
  base::Gauge* connections_open = nullptr;
  base::Gauge* bytes_held = nullptr;
};

Server::State::State(Router given_router, const ServerOptions& given, const Listener& where,
                     base::Metrics* given_metrics)
    : router(std::move(given_router)),
      options(given),
      listener(where),
      metrics(given_metrics),
      connections({given.most_connections, given.patience, given.slowest}),
      workers(given.workers, given.most_waiting),
      // Every connection may have one there: what waits is served in turn.
      computing(computing_threads(given.computing), given.most_connections) {
  if (metrics != nullptr) register_metrics();
}

Server::State::~State() { stop(); }

void Server::State::register_metrics() {
  const auto add = [&](const std::string& route, const std::string& method) {
    RouteMetrics row;
    for (std::size_t i = 1; i < row.by_class.size(); ++i) {
      row.by_class[i] = &metrics->counter("starling_http_requests_total", "Requests answered.",
                                          {{"route", route}, {"method", method}, {"status", std::to_string(i) + "xx"}});
    }
    row.seconds =
        &metrics->histogram("starling_http_request_seconds", "From a request's header to the end of its response.",
                            {{"route", route}, {"method", method}});
    route_metrics.push_back(row);
  };
  for (const Route& route : router.routes()) add(route.pattern, method_name(route.method));
  add("", "");
  bytes_in = &metrics->counter("starling_http_received_bytes_total", "Bytes of request bodies.");
  bytes_out = &metrics->counter("starling_http_sent_bytes_total", "Bytes of response bodies.");
  connections_taken = &metrics->counter("starling_http_connections_total", "Connections taken.");
  bytes_held = &metrics->gauge("starling_http_held_bytes", "Bytes of request bodies in memory.");
  connections_open = &metrics->gauge("starling_http_connections", "Connections that are open.");
}

bool Server::State::start(std::size_t most_connections) {
  std::vector<MHD_OptionItem> items = {
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<std::intptr_t>(options.header_bytes), nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, static_cast<std::intptr_t>(most_connections), nullptr},
      {MHD_OPTION_CONNECTION_TIMEOUT, 0, nullptr},
      {MHD_OPTION_LISTEN_SOCKET, listener.descriptor, nullptr},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
      {MHD_OPTION_END, 0, nullptr}};
  const bool tls = !options.certificate.empty();
  if (tls) {
    items.insert(items.begin(), {{MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(options.certificate.c_str())},
                                 {MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(options.private_key.c_str())}});
  }
  if (options.threads > 1) items.insert(items.begin(), {MHD_OPTION_THREAD_POOL_SIZE, options.threads, nullptr});
  const unsigned int flags =
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (tls ? static_cast<unsigned int>(MHD_USE_TLS) : 0U);
  const Patience patience(options.gives_way);
  daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &State::on_request, this,       //
                            MHD_OPTION_ARRAY, items.data(),                             //
                            MHD_OPTION_URI_LOG_CALLBACK, &State::on_target, this,       //
                            MHD_OPTION_UNESCAPE_CALLBACK, &leave_escaped, nullptr,      //
                            MHD_OPTION_NOTIFY_COMPLETED, &State::on_completed, this,    //
                            MHD_OPTION_NOTIFY_CONNECTION, &State::on_connection, this,  //
                            MHD_OPTION_END);
  return daemon != nullptr;
}

void Server::State::stop() {
  {
    const std::lock_guard lock(waiting->mutex);
    if (std::exchange(waiting->stopping, true)) return;
  }
  // Its threads may look at the socket until they end: only then is it closed, lest its number mean another file.
  const bool listens = daemon != nullptr && MHD_quiesce_daemon(daemon) != MHD_INVALID_SOCKET;
  if (listens) ::shutdown(listener.descriptor, SHUT_RDWR);
  workers.stop();
  computing.stop();
  std::set<Held> left;
  {
    const std::lock_guard lock(waiting->mutex);
    left = waiting->exchanges;
  }
  for (const Held& exchange : left) waiting->give(exchange, busy("the server stops; ask another one"));
  streams->end_all();
  const auto end = std::chrono::steady_clock::now() + kGrace;
  while (in_progress > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (daemon != nullptr) MHD_stop_daemon(daemon);
  daemon = nullptr;
  if (listens) ::close(listener.descriptor);
}

void* Server::State::on_target(void* self, const char* target, MHD_Connection* /*connection*/) {
  ++static_cast<State*>(self)->in_progress;
  return new Held(std::make_shared<Exchange>(path_of(target)));
}

void Server::State::on_connection(void* self, MHD_Connection* connection, void** known,
                                  MHD_ConnectionNotificationCode code) {
  auto* const state = static_cast<State*>(self);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *known = state->connections.open(info->connect_fd, !state->options.certificate.empty());
    if (state->metrics != nullptr) state->connections_taken->add();
    if (state->metrics != nullptr) state->connections_open->add(1);
  } else {
    state->connections.close(static_cast<Connection*>(*known));
    *known = nullptr;
    if (state->metrics != nullptr) state->connections_open->add(-1);
  }
}

void Server::State::on_completed(void* self, MHD_Connection* /*connection*/, void** held,
                                 MHD_RequestTerminationCode /*code*/) {
  auto* const state = static_cast<State*>(self);
  const std::unique_ptr<Held> exchange(static_cast<Held*>(*held));
  *held = nullptr;
  if (!exchange) return;
  state->count(**exchange);
  state->let_go_of_body(**exchange);
  if ((*exchange)->connection != nullptr) state->connections.wait_for_header(*(*exchange)->connection);
  --state->in_progress;
}

void Server::State::let_go_of_body(Exchange& exchange) { hold(0, exchange.buffered.exchange(0)); }

std::size_t Server::State::hold(std::size_t more, std::size_t less) {
  const std::size_t held = buffered.fetch_add(more - less) + more - less;
  if (metrics != nullptr) bytes_held->set(static_cast<double>(held));
  return held;
}

void Server::State::count(const Exchange& exchange) {
  if (metrics == nullptr || exchange.status == 0) return;
  const std::size_t row = exchange.route == nullptr ? route_metrics.size() - 1
                                                    : static_cast<std::size_t>(exchange.route - router.routes().data());
  route_metrics[row].by_class[std::clamp<std::size_t>(static_cast<std::size_t>(exchange.status) / 100, 1, 5)]->add();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - exchange.begun;
  route_metrics[row].seconds->observe(spent.count());
  bytes_in->add(exchange.received);
  bytes_out->add(exchange.sent);
}

MHD_Result Server::State::on_request(void* self, MHD_Connection* connection, const char* /*url*/, const char* method,
                                     const char* /*version*/, const char* data, size_t* size, void** held) {
  if (*held == nullptr) return MHD_NO;
  auto* const state = static_cast<State*>(self);
  const Held& exchange = *static_cast<Held*>(*held);
  switch (exchange->stage) {
    case Exchange::Stage::kHeader:
      return state->begin(*exchange, connection, method);
    case Exchange::Stage::kBody:
      return *size > 0 ? state->receive(*exchange, data, size) : state->dispatch(exchange);
    case Exchange::Stage::kMaking:
      break;
  }
  std::optional<Response> response;
  {
    const std::lock_guard lock(exchange->mutex);
    response = std::move(exchange->response);
  }
  if (!response) return MHD_NO;
  return state->send(*exchange, std::move(*response));
}

MHD_Result Server::State::begin(Exchange& exchange, MHD_Connection* connection, const char* method) {
  exchange.handle = connection;
  exchange.connection =
      static_cast<Connection*>(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  exchange.stage = Exchange::Stage::kBody;
  Request& request = exchange.request;
  request.peer = peer_of(connection);
  Headers headers{request};
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &keep_header, &headers);
  const std::uint64_t announced = announced_bytes(request);
  const std::optional<Method> known = method_from(method);
  if (known) request.method = *known;
  if (options.screen) {
    const std::string_view target = exchange.target;
    request.path = std::string(target.substr(0, target.find('?')));
    Screened screened = options.screen(method, request);
    exchange.refusal = std::move(screened.refusal);
    exchange.headers = std::move(screened.headers);
  }
  if (exchange.refusal) {
    // Nothing else sees it.
  } else if (known) {
    Routed routed = route_request(router, exchange.target, request);
    exchange.route = routed.route;
    exchange.refusal = std::move(routed.refusal);
  } else {
    exchange.refusal = error_response(405, "METHOD_NOT_ALLOWED", "nothing here is answered to this method");
    exchange.refusal->headers.emplace_back("Allow", "GET, HEAD, PUT, POST, DELETE");
  }
  if (exchange.route != nullptr) exchange.body_limit = exchange.route->body_limit;
  const bool chunked = request.headers.contains("transfer-encoding");
  if (chunked && request.headers.contains("content-length")) {
    headers.wrong = "the length of the body is given twice, by content-length and transfer-encoding";
  }
  // Where the next request begins would be a matter of opinion: the connection ends here.
  if (!headers.wrong.empty()) return send(exchange, bad_request(base::invalid(headers.wrong)));
  if (chunked && !is_chunked(request.header("transfer-encoding"))) {
    return send(exchange, error_response(501, "NOT_IMPLEMENTED",
                                         "of transfer encodings only chunked is known here: send the body as it is"));
  }
  if (const std::string& coding = request.header("content-encoding"); !exchange.refusal && !coding.empty()) {
    exchange.refusal =
        error_response(415, "NOT_IMPLEMENTED", "a body in " + coding + " is not read here: send it plain");
  }
  if (!exchange.refusal && !chunked && announced > exchange.body_limit)
    exchange.refusal = too_long(exchange.body_limit);
  const std::uint64_t most = exchange.body_limit + kSwallowed;
  connections.move_bytes(*exchange.connection, std::min(announced, most));
  // Nobody waits for the end of a body that is refused and long.
  if (exchange.refusal && announced > most) return send(exchange, std::move(*exchange.refusal));
  return MHD_YES;
}

MHD_Result Server::State::receive(Exchange& exchange, const char* data, size_t* size) {
  const std::size_t count = std::exchange(*size, 0);
  exchange.received += count;
  if (exchange.received > exchange.body_limit + kSwallowed) return MHD_NO;
  if (!exchange.refusal && exchange.received > exchange.body_limit) exchange.refusal = too_long(exchange.body_limit);
  if (!exchange.refusal) {
    exchange.buffered += count;
    if (hold(count, 0) > options.buffered_bytes && exchange.buffered > kAlwaysHeld) {
      exchange.refusal = busy("the server holds as many bodies as it can; send this again later");
    }
  }
  if (exchange.refusal) {
    std::string().swap(exchange.request.body);
  } else {
    exchange.request.body.append(data, count);
  }
  return MHD_YES;
}

MHD_Result Server::State::dispatch(const Held& exchange) {
  if (exchange->refusal) return send(*exchange, std::move(*exchange->refusal));
  const Route& route = *exchange->route;
  if (route.runs == Runs::kHere && !route.later) {
    std::optional<Response> made;
    run_route(route, std::move(exchange->request), Answer([&made](Response response) { made = std::move(response); }));
    return send(*exchange, std::move(*made));
  }
  if (!waiting->add(exchange)) return send(*exchange, busy("the server stops; ask another one"));
  exchange->stage = Exchange::Stage::kMaking;
  connections.compute(*exchange->connection);
  // Whoever answers wakes the connection; so it sleeps before anybody can.
  MHD_suspend_connection(exchange->handle);
  const Answer answer([all = waiting, exchange](Response response) { all->give(exchange, std::move(response)); });
  if (route.runs == Runs::kHere) {
    run_route(route, std::move(exchange->request), answer);
    let_go_of_body(*exchange);
    return MHD_YES;
  }
  // The connection sleeps, and so stays open, until it is answered.
  if (!route.later) {
    exchange->request.left = [connection = exchange->connection] { return connection->is_left(); };
  }
  const std::size_t size = exchange->request.body.size();
  const auto work = [this, exchange, answer](bool run) {
    if (!run) return answer(busy("the server stops; ask another one"));
    // Nobody is there to be answered: what was asked for is not done.
    if (exchange->connection->is_left()) return answer(busy("the client has gone"));
    run_route(*exchange->route, std::move(exchange->request), answer);
    if (exchange->route->later) let_go_of_body(*exchange);
  };
  const bool added = route.runs == Runs::kComputes ? computing.add(work, size) : workers.add(work);
  if (!added) {
    answer(busy("the server has as many requests waiting as it can; send this again later"));
  }
  return MHD_YES;
}

MHD_Result Server::State::send(Exchange& exchange, Response response) {
  exchange.stage = Exchange::Stage::kMaking;
  exchange.status = response.status;
  constexpr int kWrong = 400;
  if (options.on_error && response.status >= kWrong) options.on_error(exchange.target, response);
  const std::uint64_t size = response.file ? response.file->size : response.body.size();
  const bool streamed = response.stream != nullptr;
  MHD_Response* const made =
      streamed ? stream_response(streams, response, exchange.handle, *exchange.connection) : make_response(response);
  if (made == nullptr) return MHD_NO;
  exchange.sent = size;
  if (streamed) {
    connections.compute(*exchange.connection);
  } else {
    connections.move_bytes(*exchange.connection, size);
  }
  if (!response.content_type.empty()) {
    MHD_add_response_header(made, "Content-Type", response.content_type.c_str());
    MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
  }
  for (const auto& [name, value] : response.headers) MHD_add_response_header(made, name.c_str(), value.c_str());
  for (const auto& [name, value] : exchange.headers) MHD_add_response_header(made, name.c_str(), value.c_str());
  const MHD_Result queued = MHD_queue_response(exchange.handle, static_cast<unsigned int>(response.status), made);
  MHD_destroy_response(made);
  return queued;
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

base::Result<std::unique_ptr<Server>> Server::start(Router router, const ServerOptions& options,
                                                    base::Metrics* metrics) {
  // Of four descriptors three may be connections; the rest is for files.
  const std::size_t most = std::min(options.most_connections, raise_descriptor_limit() / 4 * 3);
  if (options.certificate.empty() != options.private_key.empty()) {
    return base::invalid("TLS takes a certificate and its private key: give both, or neither");
  }
  STARLING_ASSIGN(Listener listener, listen_on(options.address, options.port));
  if (!options.certificate.empty()) listener.url.replace(0, std::string_view("http").size(), "https");
  ServerOptions bounded = options;
  bounded.most_connections = most;
  auto state = std::make_unique<State>(std::move(router), bounded, listener, metrics);
  if (!state->start(most)) {
    ::close(listener.descriptor);
    return base::io_error("cannot start the server on " + listener.url + "; is there memory and a thread left?");
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const { return state_->listener.port; }
const std::string& Server::url() const { return state_->listener.url; }
void Server::stop() { state_->stop(); }

}  // namespace starling::api
