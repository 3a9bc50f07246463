#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace starling::models {

// A JSON object from untrusted text. `what` names the text in errors, as "the header of model.safetensors".
base::Result<base::Json> parse_json_object(std::string_view text, const std::string& what,
                                           std::size_t max_bytes = std::size_t{1} << 20U);

// Reads fields of an object with defaults and bounds. A field that is missing or null leaves the value as it is. The
// first mistake is kept.
class JsonFields {
 public:
  JsonFields(const base::Json& object, std::string what) : object_(object), what_(std::move(what)) {}

  void integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high);
  void number(const char* key, float& value, float low, float high);
  void boolean(const char* key, bool& value);
  void integers(const char* key, std::vector<std::int64_t>& values, std::size_t most, std::int64_t low,
                std::int64_t high);
  void numbers(const char* key, std::vector<float>& values, std::size_t most, float low, float high);
  void booleans(const char* key, std::vector<bool>& values, std::size_t most);
  // An error unless the field is missing, null or one of these.
  void only(const char* key, std::initializer_list<std::string_view> allowed);
  // An error unless the field is missing, null, false or an empty list.
  void absent(const char* key);

  // nullptr if it is missing or null.
  const base::Json* find(const char* key) const;
  bool is_text(const char* key, std::string_view text) const;
  base::Status status() const { return error_; }

 private:
  void fail(base::ErrorCode code, const char* key, const std::string& problem);
  // The elements of a list, or nullptr with the mistake kept.
  const std::vector<base::Json>* list(const char* key, std::size_t most, const std::string& problem);
  const base::Json& object_;
  std::string what_;
  base::Status error_;
};

}  // namespace starling::models
