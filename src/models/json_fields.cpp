#include "models/json_fields.h"

#include <algorithm>

namespace starling::models {
namespace {

using base::ErrorCode;
using base::Json;

constexpr std::size_t kMaxDepth = 16;

template <typename T>
std::string range(T low, T high) {
  return "must be from " + std::to_string(low) + " to " + std::to_string(high) + ".";
}

bool read_number(const Json& json, float low, float high, float& value) {
  const auto read = json.as_number();
  if (!read.ok() || !(*read >= low && *read <= high)) return false;
  value = static_cast<float>(*read);
  return true;
}

}  // namespace

base::Result<Json> parse_json_object(std::string_view text, const std::string& what, std::size_t max_bytes) {
  STARLING_ASSIGN(Json json, Json::parse(text, what, {max_bytes, kMaxDepth, max_bytes}));
  if (!json.is_object()) return base::corrupt(what + " is not a JSON object; fetch or write the file again.");
  return json;
}

const Json* JsonFields::find(const char* key) const {
  const Json* found = object_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool JsonFields::is_text(const char* key, std::string_view text) const {
  const Json* json = find(key);
  if (json == nullptr) return false;
  const auto read = json->as_text();
  return read.ok() && *read == text;
}

void JsonFields::fail(ErrorCode code, const char* key, const std::string& problem) {
  if (error_.ok()) error_ = base::Error{code, what_ + ": '" + key + "' " + problem};
}

void JsonFields::integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const auto read = json->as_integer(low, high);
  if (!read.ok()) return fail(ErrorCode::kCorrupt, key, "is an integer and " + range(low, high));
  value = *read;
}

void JsonFields::number(const char* key, float& value, float low, float high) {
  const Json* json = find(key);
  if (json != nullptr && !read_number(*json, low, high, value)) {
    fail(ErrorCode::kCorrupt, key, "is a number and " + range(low, high));
  }
}

void JsonFields::boolean(const char* key, bool& value) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const auto read = json->as_boolean();
  if (!read.ok()) return fail(ErrorCode::kCorrupt, key, "must be true or false.");
  value = *read;
}

const std::vector<Json>* JsonFields::list(const char* key, std::size_t most, const std::string& problem) {
  const Json* json = find(key);
  if (json == nullptr) return nullptr;
  if (json->is_array() && json->elements().size() <= most) return &json->elements();
  fail(ErrorCode::kCorrupt, key, problem);
  return nullptr;
}

void JsonFields::integers(const char* key, std::vector<std::int64_t>& values, std::size_t most, std::int64_t low,
                          std::int64_t high) {
  const std::string problem =
      "is a list of at most " + std::to_string(most) + " integers, each of which " + range(low, high);
  const std::vector<Json>* items = list(key, most, problem);
  if (items == nullptr) return;
  values.clear();
  for (const Json& item : *items) {
    const auto read = item.as_integer(low, high);
    if (!read.ok()) return fail(ErrorCode::kCorrupt, key, problem);
    values.push_back(*read);
  }
}

void JsonFields::numbers(const char* key, std::vector<float>& values, std::size_t most, float low, float high) {
  const std::string problem =
      "is a list of at most " + std::to_string(most) + " numbers, each of which " + range(low, high);
  const std::vector<Json>* items = list(key, most, problem);
  if (items == nullptr) return;
  values.assign(items->size(), 0.0F);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!read_number((*items)[i], low, high, values[i])) return fail(ErrorCode::kCorrupt, key, problem);
  }
}

void JsonFields::booleans(const char* key, std::vector<bool>& values, std::size_t most) {
  const std::string problem = "is a list of at most " + std::to_string(most) + " of true and false.";
  const std::vector<Json>* items = list(key, most, problem);
  if (items == nullptr) return;
  values.clear();
  for (const Json& item : *items) {
    const auto read = item.as_boolean();
    if (!read.ok()) return fail(ErrorCode::kCorrupt, key, problem);
    values.push_back(*read);
  }
}

void JsonFields::only(const char* key, std::initializer_list<std::string_view> allowed) {
  if (find(key) == nullptr) return;
  if (std::ranges::any_of(allowed, [&](std::string_view value) { return is_text(key, value); })) return;
  std::string names;
  for (const std::string_view value : allowed) names += (names.empty() ? "" : " or ") + std::string(value);
  fail(ErrorCode::kUnsupported, key, "is not supported unless it is " + names + ".");
}

void JsonFields::absent(const char* key) {
  const Json* json = find(key);
  if (json == nullptr || (json->is_array() && json->elements().empty())) return;
  const auto flag = json->as_boolean();
  if (flag.ok() && !*flag) return;
  fail(ErrorCode::kUnsupported, key, "is not supported; use a model without it.");
}

}  // namespace starling::models
