#include "models/json_input.h"

#include <set>

namespace starling::models {
namespace {

// Nesting is counted before parsing, so that a hostile text costs nothing.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

template <typename T>
std::string range(T low, T high) {
  return "must be from " + std::to_string(low) + " to " + std::to_string(high) + ".";
}

bool read_integer(const Json& json, std::int64_t low, std::int64_t high, std::int64_t& value) {
  if (!json.is_number_integer()) return false;
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return false;
  const auto read = json.get<std::int64_t>();
  if (read < low || read > high) return false;
  value = read;
  return true;
}

bool read_number(const Json& json, float low, float high, float& value) {
  if (!json.is_number()) return false;
  const auto read = json.get<double>();
  if (!(read >= low && read <= high)) return false;
  value = static_cast<float>(read);
  return true;
}

}  // namespace

base::Result<Json> parse_json_object(std::string_view text, const std::string& what) {
  if (too_deep(text)) {
    return base::corrupt(what + " is nested more than " + std::to_string(kMaxJsonDepth) +
                         " deep; it is not a model's.");
  }
  std::vector<std::set<std::string>> open_objects;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, false);
  if (json.is_discarded()) return base::corrupt(what + " is not valid JSON; fetch or write the file again.");
  if (!twice.empty()) return base::corrupt(what + " has the key '" + twice + "' twice.");
  if (!json.is_object()) return base::corrupt(what + " is not a JSON object; fetch or write the file again.");
  return json;
}

const Json* JsonFields::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonFields::fail(base::ErrorCode code, const char* key, const std::string& problem) {
  if (error_.ok()) error_ = base::Error{code, what_ + ": '" + key + "' " + problem};
}

void JsonFields::integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high) {
  const Json* json = find(key);
  if (json != nullptr && !read_integer(*json, low, high, value)) {
    fail(base::ErrorCode::kCorrupt, key, "is an integer and " + range(low, high));
  }
}

void JsonFields::number(const char* key, float& value, float low, float high) {
  const Json* json = find(key);
  if (json != nullptr && !read_number(*json, low, high, value)) {
    fail(base::ErrorCode::kCorrupt, key, "is a number and " + range(low, high));
  }
}

void JsonFields::boolean(const char* key, bool& value) {
  const Json* json = find(key);
  if (json == nullptr) return;
  if (!json->is_boolean()) return fail(base::ErrorCode::kCorrupt, key, "must be true or false.");
  value = json->get<bool>();
}

void JsonFields::integers(const char* key, std::vector<std::int64_t>& values, std::size_t most, std::int64_t low,
                          std::int64_t high) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const std::string problem =
      "is a list of at most " + std::to_string(most) + " integers, each of which " + range(low, high);
  if (!json->is_array() || json->size() > most) return fail(base::ErrorCode::kCorrupt, key, problem);
  values.assign(json->size(), 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!read_integer((*json)[i], low, high, values[i])) return fail(base::ErrorCode::kCorrupt, key, problem);
  }
}

void JsonFields::numbers(const char* key, std::vector<float>& values, std::size_t most, float low, float high) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const std::string problem =
      "is a list of at most " + std::to_string(most) + " numbers, each of which " + range(low, high);
  if (!json->is_array() || json->size() > most) return fail(base::ErrorCode::kCorrupt, key, problem);
  values.assign(json->size(), 0.0F);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!read_number((*json)[i], low, high, values[i])) return fail(base::ErrorCode::kCorrupt, key, problem);
  }
}

void JsonFields::booleans(const char* key, std::vector<bool>& values, std::size_t most) {
  const Json* json = find(key);
  if (json == nullptr) return;
  const std::string problem = "is a list of at most " + std::to_string(most) + " of true and false.";
  if (!json->is_array() || json->size() > most) return fail(base::ErrorCode::kCorrupt, key, problem);
  values.clear();
  for (const Json& item : *json) {
    if (!item.is_boolean()) return fail(base::ErrorCode::kCorrupt, key, problem);
    values.push_back(item.get<bool>());
  }
}

void JsonFields::only(const char* key, std::initializer_list<const char*> allowed) {
  const Json* json = find(key);
  if (json == nullptr) return;
  std::string list;
  for (const char* value : allowed) {
    if (json->is_string() && json->get_ref<const std::string&>() == value) return;
    list += (list.empty() ? "" : " or ") + std::string(value);
  }
  fail(base::ErrorCode::kUnsupported, key, "is not supported unless it is " + list + ".");
}

void JsonFields::absent(const char* key) {
  const Json* json = find(key);
  if (json == nullptr || (json->is_boolean() && !json->get<bool>()) || (json->is_array() && json->empty())) return;
  fail(base::ErrorCode::kUnsupported, key, "is not supported; use a model without it.");
}

}  // namespace starling::models
