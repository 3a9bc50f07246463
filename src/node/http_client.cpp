#include "node/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/json.h"
#include "base/terminal.h"

namespace starling::node {
namespace {

constexpr std::size_t kMaxIdle = 64;
constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxMessageBytes = 500;
constexpr int kPollMilliseconds = 50;
constexpr long kReadBytes = 256L << 10;  // what is read is handed on while the cache still has it

struct CurlLibrary {
  CurlLibrary() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) base::halt("libcurl does not start");
  }
};

void start_library() { static const CurlLibrary library; }

struct HeaderList {
  ~HeaderList() { curl_slist_free_all(list); }
  bool add(const std::string& line) {
    curl_slist* const longer = curl_slist_append(list, line.c_str());
    if (longer == nullptr) return false;
    list = longer;
    return true;
  }
  curl_slist* list = nullptr;
};

// What the callbacks of one request work on.
struct Transfer {
  const HttpRequest& request;
  CURL* handle;
  HttpReply reply;
  std::size_t header_bytes = 0;
  std::size_t received = 0;
  std::optional<base::Error> error;
};

std::size_t on_header(char* data, std::size_t /*one*/, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size);
  // Each reply, also a provisional one, begins anew.
  if (line.starts_with("HTTP/")) transfer.reply.headers.clear();
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.error = base::limit_error(transfer.request.url + " sends more than " + std::to_string(kMaxHeaderBytes) +
                                       " bytes of headers");
    return 0;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  const std::size_t first = value.find_first_not_of(" \t\r\n");
  value = first == std::string_view::npos ? std::string_view() : value.substr(first);
  value = value.substr(0, value.find_last_not_of(" \t\r\n") + 1);
  transfer.reply.headers[std::move(name)] = std::string(value);
  return size;
}

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (size > transfer.request.most_bytes - transfer.received) {
    transfer.error = base::limit_error(transfer.request.url + " sends more than the " +
                                       std::to_string(transfer.request.most_bytes) + " bytes that are expected");
    return 0;
  }
  transfer.received += size;
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (!transfer.request.sink || (status != 200 && status != 206)) {
    transfer.reply.body.append(data, size);
    return size;
  }
  const base::Status taken = transfer.request.sink(base::as_bytes({data, size}));
  if (taken.ok()) return size;
  transfer.error = taken.error();
  return 0;
}

base::Error no_http(const std::string& node) {
  return base::io_error("what answers at " + node + " does not speak HTTP: see that the address is that of a node");
}

base::Error transfer_error(const Transfer& transfer, CURLcode code) {
  if (transfer.error) return *transfer.error;
  // Whose answer it is; the path says nothing to whoever mends this.
  const std::string& url = transfer.request.url;
  const std::string node = url.substr(0, url.find("/v1/"));
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return base::io_error("nothing answers at " + node + ": see that the node runs, and that its address is right");
    case CURLE_COULDNT_RESOLVE_HOST:
      return base::io_error("nobody knows the machine in " + node + ": see that its name is right");
    case CURLE_OPERATION_TIMEDOUT:
      return base::io_error(node + " does not answer in time, or too slowly: try again later, or ask another node");
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return base::io_error(node + " hung up before its answer was whole: see that the node runs, and try again");
    case CURLE_FILESIZE_EXCEEDED:
      return base::limit_error(node + " sends more than was asked for: ask another node");
    case CURLE_WEIRD_SERVER_REPLY:
      return no_http(node);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      if (is_http && code == CURLE_UNSUPPORTED_PROTOCOL) return no_http(node);
      return base::invalid("'" + node + "' is no address of a node: give one such as http://127.0.0.1:7001");
    default:
      return base::io_error(node + " cannot be asked (" + curl_easy_strerror(code) +
                            "): see that it is the address of a node");
  }
}

}  // namespace

// A handle with the connections that it keeps.
struct HttpClient::Line {
  Line() : easy(curl_easy_init()), multi(curl_multi_init()) {
    if (easy == nullptr || multi == nullptr) base::halt("out of memory for an HTTP connection");
  }
  ~Line() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  bool prepare(const HttpRequest& request, Transfer& transfer, HeaderList& headers) const;
  CURLcode perform(Transfer& transfer) const;

  CURL* easy;
  CURLM* multi;
};

bool HttpClient::Line::prepare(const HttpRequest& request, Transfer& transfer, HeaderList& headers) const {
  curl_easy_reset(easy);
  CURLcode code = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value);
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_BUFFERSIZE, kReadBytes);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_time.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.time.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(request.slowest));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.slowest == 0 ? 0 : request.slow_time.count()));
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
    // The server refuses what is too long after reading it; waiting for its consent would cost a round trip.
    if (!headers.add("Expect:")) return false;
  }
  for (const auto& [name, value] : request.headers) {
    std::string line = name;
    if (!headers.add(line.append(": ").append(value))) return false;
  }
  set(CURLOPT_HTTPHEADER, headers.list);
  return code == CURLE_OK;
}

CURLcode HttpClient::Line::perform(Transfer& transfer) const {
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  CURLcode code = CURLE_OK;
  for (int running = 1; running > 0;) {
    if (transfer.request.cancelled && transfer.request.cancelled()) {
      transfer.error = base::cancelled("the request to " + transfer.request.url + " was cancelled");
      code = CURLE_ABORTED_BY_CALLBACK;
      break;
    }
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      code = CURLE_OUT_OF_MEMORY;
      break;
    }
    if (running > 0) curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE && code == CURLE_OK) code = message->data.result;
  }
  curl_multi_remove_handle(multi, easy);
  return code;
}

const std::string& HttpReply::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

HttpClient::HttpClient() { start_library(); }
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Line> HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Line>();
  std::unique_ptr<Line> line = std::move(idle_.back());
  idle_.pop_back();
  return line;
}

void HttpClient::give_back(std::unique_ptr<Line> line) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(line));
}

base::Result<HttpReply> HttpClient::send(const HttpRequest& request) {
  constexpr std::array<std::string_view, 5> kMethods = {"GET", "HEAD", "PUT", "POST", "DELETE"};
  if (std::ranges::find(kMethods, request.method) == kMethods.end()) {
    return base::invalid("'" + request.method + "' is no method that is asked with");
  }
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of(std::string("\r\n\0", 3)) != std::string::npos) {
      return base::invalid("the header " + name + " has a line break in it");
    }
  }
  if (request.url.find('\0') != std::string::npos) return base::invalid("the URL has a zero byte in it");
  std::unique_ptr<Line> line = take();
  HeaderList headers;
  Transfer transfer{request, line->easy, {}, 0, 0, std::nullopt};
  if (!line->prepare(request, transfer, headers)) return base::invalid("'" + request.url + "' cannot be asked");
  const CURLcode code = line->perform(transfer);
  if (code != CURLE_OK) return transfer_error(transfer, code);
  long status = 0;
  curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  give_back(std::move(line));
  return std::move(transfer.reply);
}

base::Status reply_status(const std::string& url, const HttpReply& reply) {
  if (reply.status >= 200 && reply.status < 300) return {};
  std::string message = url + " answers " + std::to_string(reply.status);
  const base::Result<base::Json> json = base::Json::parse(reply.body, url, {.bytes = 65536, .depth = 8, .values = 64});
  if (json.ok() && json->has("error")) {
    const base::Result<std::string> text = json->find("error")->text("message");
    if (text.ok()) message += ": " + base::printable(text->substr(0, kMaxMessageBytes));
  }
  if (reply.status == 404) return base::not_found(message);
  return reply.status >= 400 && reply.status < 500 ? base::invalid(message) : base::io_error(message);
}

base::Result<HttpReply> HttpClient::get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  STARLING_ASSIGN(HttpReply reply, send(request));
  STARLING_TRY(reply_status(url, reply));
  return reply;
}

base::Result<HttpReply> HttpClient::post(const std::string& url, std::string body, const std::string& content_type) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.body = std::move(body);
  request.headers.emplace_back("Content-Type", content_type);
  STARLING_ASSIGN(HttpReply reply, send(request));
  STARLING_TRY(reply_status(url, reply));
  return reply;
}

base::Result<HttpReply> HttpClient::put(const std::string& url, std::string body) {
  HttpRequest request;
  request.method = "PUT";
  request.url = url;
  request.body = std::move(body);
  request.headers.emplace_back("Content-Type", "application/octet-stream");
  STARLING_ASSIGN(HttpReply reply, send(request));
  STARLING_TRY(reply_status(url, reply));
  return reply;
}

base::Status check_base_url(std::string_view url) {
  constexpr std::size_t kMaxUrlBytes = 256;
  const auto wrong = [&](const char* why) {
    return base::invalid("'" + std::string(url.substr(0, kMaxUrlBytes)) + "' is no address of a node: " + why);
  };
  if (url.size() > kMaxUrlBytes) return wrong("it is too long");
  std::string_view rest = url;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return wrong("it begins with http:// or https://");
  }
  const bool plain = std::ranges::all_of(rest, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:/[]%").find(c) != std::string_view::npos;
  });
  if (!plain) return wrong("it has a host, a port and a path, and no other signs");
  if (rest.empty() || rest.front() == '/' || rest.back() == '/') return wrong("it has a host, and no / at the end");
  return {};
}

}  // namespace starling::node
