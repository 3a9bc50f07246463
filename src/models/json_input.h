#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace starling::models {

// Only this folder's .cpp files include this header: the JSON library is slow to compile.

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 16;

// A JSON object from untrusted text: valid UTF-8, nested at most kMaxJsonDepth deep, no key twice in one object. `what`
// names the text in errors, as "the header of model.safetensors".
base::Result<Json> parse_json_object(std::string_view text, const std::string& what);

// Reads fields of an object with defaults and bounds. A field that is missing or null leaves the value as it is. The
// first mistake is kept.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {}

  void integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void number(const char* key, float& value, float low, float high);
  void boolean(const char* key, bool& value);
  void integers(const char* key, std::vector<std::int64_t>& values, std::size_t most, std::int64_t low,
                std::int64_t high);
  void numbers(const char* key, std::vector<float>& values, std::size_t most, float low, float high);
  void booleans(const char* key, std::vector<bool>& values, std::size_t most);
  // An error unless the field is missing, null or one of these.
  void only(const char* key, std::initializer_list<const char*> allowed);
  // An error unless the field is missing, null, false or an empty list.
  void absent(const char* key);

  const Json* find(const char* key) const;
  base::Status status() const { return error_; }

 private:
  void fail(base::ErrorCode code, const char* key, const std::string& problem);
  const Json& object_;
  std::string what_;
  base::Status error_;
};

}  // namespace starling::models
