#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace starling::base {
namespace {

// Builds a Json from the events of nlohmann's parser, which keeps its own stack and so cannot be made to overflow ours.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return fail("has a binary value"); }
  bool start_object(std::size_t /*size*/) override {
    return open(Level{.is_object = true, .key = {}, .elements = {}, .members = {}});
  }
  bool start_array(std::size_t /*size*/) override {
    return open(Level{.is_object = false, .key = {}, .elements = {}, .members = {}});
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    levels_.back().key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return fail("is not valid JSON at byte " + std::to_string(position));
  }

  const std::string& error() const { return error_; }
  Json take() { return std::move(root_); }

 private:
  struct Level {
    bool is_object;
    std::string key;  // of the member whose value comes next
    std::vector<Json> elements;
    std::vector<JsonMember> members;
  };

  bool fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
    return false;
  }

  bool add(Json value) {
    if (++values_ > limits_.values) return fail("has more than " + std::to_string(limits_.values) + " values");
    if (levels_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.is_object) {
      level.members.push_back({std::move(level.key), std::move(value)});
    } else {
      level.elements.push_back(std::move(value));
    }
    return true;
  }

  bool open(Level level) {
    if (levels_.size() >= limits_.depth) {
      return fail("is nested more than " + std::to_string(limits_.depth) + " deep");
    }
    levels_.push_back(std::move(level));
    return true;
  }

  bool close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    if (!level.is_object) {
      return add(Json(std::move(level.elements)));
    }
    // Sorted first, so that set() always appends.
    const auto by_key = [](const JsonMember& a, const JsonMember& b) { return a.key < b.key; };
    std::sort(level.members.begin(), level.members.end(), by_key);
    const auto same_key = [](const JsonMember& a, const JsonMember& b) { return a.key == b.key; };
    const auto twice = std::adjacent_find(level.members.begin(), level.members.end(), same_key);
    if (twice != level.members.end()) {
      return fail("has the key " + Json(utf8_prefix(twice->key, 64)).to_text() + " twice in one object");
    }
    Json object = Json::empty_object();
    for (JsonMember& member : level.members) object.set(member.key, std::move(member.value));
    return add(std::move(object));
  }

  JsonLimits limits_;
  std::vector<Level> levels_;
  std::size_t values_ = 0;
  Json root_;
  std::string error_;
};

const char* kind_name(Json::Kind kind) {
  constexpr std::array<const char*, 7> kNames = {"null",   "true or false", "an integer", "a number with a fraction",
                                                 "a text", "a list",        "an object"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Error wrong_kind(const char* wanted, Json::Kind kind) {
  return corrupt("should be " + std::string(wanted) + " but is " + kind_name(kind));
}

// Names the key in front of an error about its value.
Error at_key(std::string_view key, const Error& error) {
  return {error.code, "the field \"" + std::string(key) + "\" " + error.message};
}

Error missing(std::string_view key) { return corrupt("the field \"" + std::string(key) + "\" is missing"); }

// How a character stands in a text; empty: as it is.
std::string_view escape_of(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\t':
      return "\\t";
    case '\n':
      return "\\n";
    case '\f':
      return "\\f";
    case '\r':
      return "\\r";
    default:
      return "";
  }
}

bool is_plain(char c) { return static_cast<std::uint8_t>(c) >= 0x20 && c != '"' && c != '\\'; }

void write_escaped(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::string_view escape = escape_of(text.front());
    out.append(escape);
    if (escape.empty()) {
      out.append("\\u00");
      out.push_back(kDigits[static_cast<std::uint8_t>(text.front()) >> 4]);
      out.push_back(kDigits[static_cast<std::uint8_t>(text.front()) & 15]);
    }
    text.remove_prefix(1);
  }
  out.push_back('"');
}

void write_text(std::string& out, std::string_view text) {
  std::optional<std::size_t> bad = first_invalid_utf8(text);
  if (!bad) return write_escaped(out, text);
  std::string repaired;
  for (; bad; bad = first_invalid_utf8(text)) {
    repaired.append(text.substr(0, *bad)).append("\xef\xbf\xbd");  // U+FFFD
    text.remove_prefix(*bad + 1);
  }
  write_escaped(out, repaired.append(text));
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  const std::string_view written(text.data(), static_cast<std::size_t>(result.ptr - text.data()));
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos) out += ".0";  // so that it reads back as a double
}

void write_value(std::string& out, const Json& value, int indent, int depth);

void new_line(std::string& out, int indent, int depth) {
  if (indent > 0) out.append("\n").append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
}

void write_array(std::string& out, const Json& value, int indent, int depth) {
  out.push_back('[');
  bool first = true;
  for (const Json& element : value.elements()) {
    if (!std::exchange(first, false)) out.push_back(',');
    new_line(out, indent, depth + 1);
    write_value(out, element, indent, depth + 1);
  }
  if (!first) new_line(out, indent, depth);
  out.push_back(']');
}

void write_object(std::string& out, const Json& value, int indent, int depth) {
  out.push_back('{');
  bool first = true;
  for (const JsonMember& member : value.members()) {
    if (!std::exchange(first, false)) out.push_back(',');
    new_line(out, indent, depth + 1);
    write_text(out, member.key);
    out += indent > 0 ? ": " : ":";
    write_value(out, member.value, indent, depth + 1);
  }
  if (!first) new_line(out, indent, depth);
  out.push_back('}');
}

void write_value(std::string& out, const Json& value, int indent, int depth) {
  switch (value.kind()) {
    case Json::Kind::kNull:
      out += "null";
      break;
    case Json::Kind::kBoolean:
      out += *value.as_boolean() ? "true" : "false";
      break;
    case Json::Kind::kInteger:
      if (const Result<std::int64_t> small = value.as_integer(); small.ok()) {
        out += std::to_string(*small);
      } else {
        out += std::to_string(*value.as_u64());
      }
      break;
    case Json::Kind::kNumber:
      write_double(out, *value.as_number());
      break;
    case Json::Kind::kText:
      write_text(out, *value.as_text());
      break;
    case Json::Kind::kArray:
      write_array(out, value, indent, depth);
      break;
    case Json::Kind::kObject:
      write_object(out, value, indent, depth);
      break;
  }
}

// Why a value has no canonical text, if it has none.
Status check_canonical(const Json& value) {
  if (value.kind() == Json::Kind::kNumber) {
    return invalid("canonical JSON holds integers and texts only, not a number with a fraction");
  }
  if (value.kind() == Json::Kind::kText && !valid_utf8(*value.as_text())) {
    return invalid("canonical JSON holds only well-formed UTF-8");
  }
  for (const Json& element : value.elements()) STARLING_TRY(check_canonical(element));
  for (const JsonMember& member : value.members()) {
    if (!valid_utf8(member.key)) return invalid("canonical JSON holds only well-formed UTF-8");
    STARLING_TRY(check_canonical(member.value));
  }
  return {};
}

}  // namespace

Json::Json() = default;
Json::Json(bool value) : value_(value) {}
Json::Json(double value) : value_(value) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Json Json::from_signed(std::int64_t value) {
  Json json;
  json.value_ = value;
  return json;
}

Json Json::from_unsigned(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return from_signed(static_cast<std::int64_t>(value));
  }
  Json json;
  json.value_ = value;
  return json;
}

Json::Json(std::vector<Json> elements) : value_(std::move(elements)) {}

Json Json::empty_array() { return Json(std::vector<Json>()); }

Json Json::empty_object() {
  Json value;
  value.value_ = std::vector<JsonMember>();
  return value;
}

Result<Json> Json::parse(std::string_view text, std::string_view name, const JsonLimits& limits) {
  const std::string subject(name);
  if (text.size() > limits.bytes) {
    return limit_error(subject + " has " + std::to_string(text.size()) + " bytes of JSON, more than the " +
                       std::to_string(limits.bytes) + " allowed");
  }
  Handler handler(limits);
  try {
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &handler)) return corrupt(subject + " " + handler.error());
  } catch (const std::exception& error) {
    return corrupt(subject + " could not be read as JSON: " + error.what());
  }
  return handler.take();
}

Json::Kind Json::kind() const {
  constexpr std::array<Kind, std::variant_size_v<Value>> kKinds = {Kind::kNull,    Kind::kBoolean, Kind::kInteger,
                                                                   Kind::kInteger, Kind::kNumber,  Kind::kText,
                                                                   Kind::kArray,   Kind::kObject};
  return kKinds.at(value_.index());
}

Result<bool> Json::as_boolean() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  return wrong_kind("true or false", kind());
}

Result<std::int64_t> Json::as_integer(std::int64_t low, std::int64_t high) const {
  if (kind() != Kind::kInteger) return wrong_kind("an integer", kind());
  const auto* value = std::get_if<std::int64_t>(&value_);
  if (value != nullptr && *value >= low && *value <= high) return *value;
  const std::string found = value != nullptr ? std::to_string(*value) : std::to_string(std::get<std::uint64_t>(value_));
  return corrupt("should be an integer from " + std::to_string(low) + " to " + std::to_string(high) + " but is " +
                 found);
}

Result<std::uint64_t> Json::as_u64() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_); value != nullptr && *value >= 0) {
    return static_cast<std::uint64_t>(*value);
  }
  if (kind() == Kind::kInteger) return corrupt("should not be less than 0 but is " + to_text());
  return wrong_kind("an integer from 0 to 18446744073709551615", kind());
}

Result<double> Json::as_number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  return wrong_kind("a number", kind());
}

Result<std::string> Json::as_text() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  return wrong_kind("a text", kind());
}

const std::vector<Json>& Json::elements() const {
  static const std::vector<Json> none;
  const auto* elements = std::get_if<std::vector<Json>>(&value_);
  return elements != nullptr ? *elements : none;
}

const std::vector<JsonMember>& Json::members() const {
  static const std::vector<JsonMember> none;
  const auto* members = std::get_if<std::vector<JsonMember>>(&value_);
  return members != nullptr ? *members : none;
}

const Json* Json::find(std::string_view key) const {
  const std::vector<JsonMember>& all = members();
  const auto at = std::lower_bound(all.begin(), all.end(), key, [](const JsonMember& member, std::string_view wanted) {
    return member.key < wanted;
  });
  return at != all.end() && at->key == key ? &at->value : nullptr;
}

bool Json::has(std::string_view key) const {
  const Json* value = find(key);
  return value != nullptr && !value->is_null();
}

namespace {

// The member's value as read(value) gives it, or an error that names the key.
template <typename Read>
auto read_member(const Json& object, std::string_view key, Read read) -> decltype(read(object)) {
  const Json* value = object.find(key);
  if (value == nullptr) {
    if (!object.is_object()) return wrong_kind("an object", object.kind());
    return missing(key);
  }
  auto result = read(*value);
  if (!result.ok()) return at_key(key, result.error());
  return result;
}

}  // namespace

Result<bool> Json::boolean(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) { return value.as_boolean(); });
}

Result<std::int64_t> Json::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  return read_member(*this, key, [low, high](const Json& value) { return value.as_integer(low, high); });
}

Result<std::uint64_t> Json::u64(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) { return value.as_u64(); });
}

Result<double> Json::number(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) { return value.as_number(); });
}

Result<std::string> Json::text(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) { return value.as_text(); });
}

Result<const Json*> Json::array(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) -> Result<const Json*> {
    if (value.is_array()) return &value;
    return wrong_kind("a list", value.kind());
  });
}

Result<const Json*> Json::object(std::string_view key) const {
  return read_member(*this, key, [](const Json& value) -> Result<const Json*> {
    if (value.is_object()) return &value;
    return wrong_kind("an object", value.kind());
  });
}

Json& Json::set(std::string_view key, Json value) {
  auto& all = std::get<std::vector<JsonMember>>(value_);
  const auto at = std::lower_bound(all.begin(), all.end(), key, [](const JsonMember& member, std::string_view wanted) {
    return member.key < wanted;
  });
  if (at != all.end() && at->key == key) {
    at->value = std::move(value);
  } else {
    all.insert(at, JsonMember{std::string(key), std::move(value)});
  }
  return *this;
}

Json& Json::push(Json value) {
  std::get<std::vector<Json>>(value_).push_back(std::move(value));
  return *this;
}

std::string Json::to_text(int indent) const {
  std::string out;
  write_value(out, *this, indent, 0);
  return out;
}

Result<std::string> Json::canonical() const {
  STARLING_TRY(check_canonical(*this));
  return to_text();
}

}  // namespace starling::base
