#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/open_file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "base/signature.h"

namespace starling::api {

enum class Method : std::uint8_t { kGet, kPut, kPost, kDelete };

const char* method_name(Method method);
// HEAD is read as GET: the server leaves the body out. Nothing for any other method.
std::optional<Method> method_from(std::string_view name);

// A request as a handler sees it: its body is whole and within the route's bound, its texts are decoded.
struct Request {
  Method method = Method::kGet;
  std::string peer;                               // whoever sends: the bytes of an IPv4 address, or of an IPv6 /64
  std::string path;                               // as it was sent
  std::map<std::string, std::string> parameters;  // of the route's pattern
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::function<bool()> left;  // whether whoever asks has gone: until it is answered; null: nobody knows

  bool is_left() const { return left && left(); }
  // The value, or an empty text.
  const std::string& header(const std::string& name) const;
  const std::string& parameter(const std::string& name) const;
  bool has_query(const std::string& name) const { return query.contains(name); }
  // These are errors unless the text has the form; a query that is not there has the value `otherwise`.
  base::Result<std::uint64_t> parameter_u64(const std::string& name) const;
  base::Result<base::Hash> parameter_hash(const std::string& name) const;
  base::Result<base::Address> parameter_address(const std::string& name) const;
  base::Result<std::uint64_t> query_u64(const std::string& name, std::uint64_t otherwise, std::uint64_t most) const;
  // 1 and 0; anything else is an error.
  base::Result<bool> query_flag(const std::string& name) const;
};

struct FileRange {
  OpenFile file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// A body that comes bit by bit, from a thread that serves connections: a read must not wait. Thread safe.
class BodyStream {
 public:
  BodyStream() = default;
  virtual ~BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  // What there is by now, at most so many bytes; empty text: nothing yet. Nothing at all: it has ended. When it gives
  // an empty text, wake is called once there is more.
  virtual std::optional<std::string> read(std::size_t most, std::function<void()> wake) = 0;
  // Nobody reads any more. No wake is called once this returns.
  virtual void close() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<FileRange> file;       // is sent instead of the body
  std::shared_ptr<BodyStream> stream;  // is sent instead of both
};

Response json_response(const base::Json& json, int status = 200);
Response text_response(std::string text, std::string content_type);
// What OpenAI's clients call an error of this status.
std::string_view error_type(int status);
// {"error": {"code": ..., "message": ..., "param": null, "type": ...}}
Response error_response(int status, std::string_view code, std::string_view message);
// The status follows from the code: 400 for what the sender can mend, 404, 413, 503 when cancelled, otherwise 500.
Response error_response(const base::Error& error);
// 503 that says when to come again.
Response busy_response(std::string_view code, std::string_view message);
// As error_response(), but kIo is the matter of another machine, or of a disk, that is needed: 503 UNAVAILABLE.
Response unavailable_or_error(const base::Error& error);
// 400 whatever the code: of bytes or texts that came with the request.
Response bad_request(const base::Error& error);

// Where a handler's response goes. Copies share one request; the first call answers it, later ones do nothing, and when
// the last copy goes without a call the answer is 500. Thread safe.
class Answer {
 public:
  explicit Answer(std::function<void(Response)> give);
  void operator()(Response response) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What is between two brackets of "%41": each % and two digits become a byte. Nothing when a % is followed by anything
// else, or the text has a control character or invalid UTF-8 in the end. plus: a + is a space.
std::optional<std::string> percent_decode(std::string_view text, bool plus);

// "a=1&b=2" with at most 32 members, none twice; an error otherwise.
base::Result<std::map<std::string, std::string>> parse_query(std::string_view text);

// A part of something, as a Range header asks for it.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const ByteRange&) const = default;
};
enum class RangeKind : std::uint8_t {
  kWhole,          // no range, or one that is not understood and so is left aside (RFC 9110 §14.2)
  kPart,           // one range; send it with status 206
  kUnsatisfiable,  // nothing of it is there: 416
};
// Of several ranges, and of units other than bytes, nothing is understood.
RangeKind parse_range(std::string_view header, std::uint64_t size, ByteRange& range);

}  // namespace starling::api
