#include "api/http.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/utf8.h"

namespace starling::api {
namespace {

constexpr std::size_t kMaxQueryMembers = 32;

struct MethodRow {
  Method method;
  const char* name;
};
constexpr std::array<MethodRow, 4> kMethods = {
    {{Method::kGet, "GET"}, {Method::kPut, "PUT"}, {Method::kPost, "POST"}, {Method::kDelete, "DELETE"}}};

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Decimal digits and nothing else.
std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  if (!is_decimal(text) || text.size() > 20) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// As decimal(), but what is beyond 2^64 is the last number there is: behind the end of anything.
std::optional<std::uint64_t> position(std::string_view text) {
  if (!is_decimal(text)) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  return decimal(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

const std::string& find_text(const std::map<std::string, std::string>& texts, const std::string& name) {
  static const std::string none;
  const auto found = texts.find(name);
  return found == texts.end() ? none : found->second;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

const char* method_name(Method method) {
  for (const MethodRow& row : kMethods) {
    if (row.method == method) return row.name;
  }
  return "";
}

std::optional<Method> method_from(std::string_view name) {
  if (name == "HEAD") return Method::kGet;
  for (const MethodRow& row : kMethods) {
    if (name == row.name) return row.method;
  }
  return std::nullopt;
}

const std::string& Request::header(const std::string& name) const { return find_text(headers, name); }
const std::string& Request::parameter(const std::string& name) const { return find_text(parameters, name); }

base::Result<std::uint64_t> Request::parameter_u64(const std::string& name) const {
  const std::optional<std::uint64_t> value = decimal(parameter(name));
  if (!value) return base::invalid("'" + parameter(name) + "' is no " + name + "; it is a decimal number below 2^64");
  return *value;
}

base::Result<base::Hash> Request::parameter_hash(const std::string& name) const {
  base::Result<base::Hash> hash = base::Hash::from_hex(parameter(name));
  if (!hash.ok()) return base::invalid("'" + parameter(name) + "' is no " + name + ": " + hash.error().message);
  return hash;
}

base::Result<base::Address> Request::parameter_address(const std::string& name) const {
  base::Result<base::Address> address = base::Address::from_text(parameter(name));
  if (!address.ok()) return base::invalid("'" + parameter(name) + "' is no " + name + ": " + address.error().message);
  return address;
}

base::Result<std::uint64_t> Request::query_u64(const std::string& name, std::uint64_t otherwise,
                                               std::uint64_t most) const {
  if (!has_query(name)) return otherwise;
  const std::optional<std::uint64_t> value = decimal(find_text(query, name));
  if (!value || *value > most) {
    return base::invalid("'" + name + "' in the query is a decimal number of at most " + std::to_string(most));
  }
  return *value;
}

base::Result<bool> Request::query_flag(const std::string& name) const {
  STARLING_ASSIGN(const std::uint64_t value, query_u64(name, 0, 1));
  return value == 1;
}

Response json_response(const base::Json& json, int status) {
  Response response;
  response.status = status;
  response.body = json.to_text() + "\n";
  return response;
}

Response text_response(std::string text, std::string content_type) {
  Response response;
  response.content_type = std::move(content_type);
  response.body = std::move(text);
  return response;
}

std::string_view error_type(int status) {
  constexpr int kTooMany = 429;
  constexpr int kServer = 500;
  if (status == kTooMany) return "rate_limit_error";
  return status >= kServer ? "server_error" : "invalid_request_error";
}

Response error_response(int status, std::string_view code, std::string_view message) {
  base::Json error = base::Json::empty_object();
  error.set("code", code);
  error.set("message", message);
  error.set("param", base::Json());
  error.set("type", error_type(status));
  base::Json json = base::Json::empty_object();
  json.set("error", std::move(error));
  return json_response(json, status);
}

Response error_response(const base::Error& error) {
  int status = 500;
  switch (error.code) {
    case base::ErrorCode::kInvalidArgument:
    case base::ErrorCode::kUnsupported:
      status = 400;
      break;
    case base::ErrorCode::kNotFound:
      status = 404;
      break;
    case base::ErrorCode::kLimit:
      status = 413;
      break;
    case base::ErrorCode::kCancelled:
      status = 503;
      break;
    default:
      break;
  }
  return error_response(status, base::error_code_name(error.code), error.message);
}

Response busy_response(std::string_view code, std::string_view message) {
  Response response = error_response(503, code, message);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response unavailable_or_error(const base::Error& error) {
  return error.code == base::ErrorCode::kIo ? busy_response("UNAVAILABLE", error.message) : error_response(error);
}

Response bad_request(const base::Error& error) {
  return error_response(400, base::error_code_name(error.code), error.message);
}

struct Answer::State {
  std::function<void(Response)> give;
  std::atomic<bool> given = false;

  void answer(Response response) {
    if (!given.exchange(true)) give(std::move(response));
  }
  ~State() {
    if (!given) answer(error_response(500, "INTERNAL", "the request was given up without an answer; try again"));
  }
};

Answer::Answer(std::function<void(Response)> give) : state_(std::make_shared<State>()) {
  state_->give = std::move(give);
}

void Answer::operator()(Response response) const { state_->answer(std::move(response)); }

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  const auto stays = [&](char c) { return (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '_' || c == '-'; };
  if (std::ranges::all_of(text, stays)) return std::string(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      byte = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (plus && byte == '+') {
      byte = ' ';
    }
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) return std::nullopt;
    decoded.push_back(byte);
  }
  if (!base::valid_utf8(decoded)) return std::nullopt;
  return decoded;
}

base::Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view member = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), member.size() + 1));
    if (member.empty()) continue;
    const std::size_t equals = member.find('=');
    const auto name = percent_decode(member.substr(0, equals), true);
    const auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view() : member.substr(equals + 1), true);
    if (!name || !value) return base::invalid("the query is not percent-encoded UTF-8 text");
    if (!query.emplace(*name, *value).second) return base::invalid("the query has '" + *name + "' twice");
    if (query.size() > kMaxQueryMembers) {
      return base::invalid("the query has more than " + std::to_string(kMaxQueryMembers) + " members");
    }
  }
  return query;
}

RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  header = trim(header);
  if (!header.starts_with(kUnit)) return RangeKind::kWhole;
  const std::string_view spec = trim(header.substr(kUnit.size()));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return RangeKind::kWhole;
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);
  const std::optional<std::uint64_t> first = position(first_text);
  const std::optional<std::uint64_t> last = position(last_text);
  if (first_text.empty()) {  // the last so many bytes
    if (!last) return RangeKind::kWhole;
    if (*last == 0 || size == 0) return RangeKind::kUnsatisfiable;
    range.size = std::min(*last, size);
    range.offset = size - range.size;
    return RangeKind::kPart;
  }
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) return RangeKind::kWhole;
  if (*first >= size) return RangeKind::kUnsatisfiable;
  range.offset = *first;
  range.size = std::min(last.value_or(size - 1), size - 1) - *first + 1;
  return RangeKind::kPart;
}

}  // namespace starling::api
