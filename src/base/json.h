#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace starling::base {

struct JsonMember;

// What a text may cost its reader.
struct JsonLimits {
  std::size_t bytes = std::size_t{16} << 20;
  std::size_t depth = 64;
  std::size_t values = std::size_t{1} << 20;
};

// A JSON value (RFC 8259). Integers are exact from -2^63 to 2^64-1; every other number is a double. Members of an
// object are sorted by the bytes of their keys, and keys are unique.
class Json {
 public:
  enum class Kind : std::uint8_t { kNull, kBoolean, kInteger, kNumber, kText, kArray, kObject };

  Json();                        // null
  Json(bool value);              // NOLINT(google-explicit-constructor)
  Json(double value);            // NOLINT(google-explicit-constructor)
  Json(std::string value);       // NOLINT(google-explicit-constructor)
  Json(std::string_view value);  // NOLINT(google-explicit-constructor)
  Json(const char* value);       // NOLINT(google-explicit-constructor)
  template <std::signed_integral T>
  Json(T value) : Json(from_signed(value)) {}  // NOLINT(google-explicit-constructor)
  template <std::unsigned_integral T>
  Json(T value) : Json(from_unsigned(value)) {}  // NOLINT(google-explicit-constructor)
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();
  explicit Json(std::vector<Json> elements);
  static Json empty_array();
  static Json empty_object();

  // Duplicate keys, invalid UTF-8, comments, anything after the value, and whatever exceeds the limits are errors; name
  // says in their messages what was being read.
  static Result<Json> parse(std::string_view text, std::string_view name, const JsonLimits& limits = {});

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  // The value itself, or an error that says what it is instead.
  Result<bool> as_boolean() const;
  Result<std::int64_t> as_integer(std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                                  std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  Result<std::uint64_t> as_u64() const;
  Result<double> as_number() const;  // of an integer too; always finite
  Result<std::string> as_text() const;

  // Elements of an array, members of an object; empty for any other kind.
  const std::vector<Json>& elements() const;
  const std::vector<JsonMember>& members() const;

  // A member of an object; nullptr when there is none or this is no object.
  const Json* find(std::string_view key) const;
  // Whether there is such a member and it is not null.
  bool has(std::string_view key) const;
  // A member of an object, or an error that names the key.
  Result<bool> boolean(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key, std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                               std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  Result<std::uint64_t> u64(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<std::string> text(std::string_view key) const;
  Result<const Json*> array(std::string_view key) const;
  Result<const Json*> object(std::string_view key) const;

  // Precondition: this is an object; replaces a member of the same key.
  Json& set(std::string_view key, Json value);
  // Precondition: this is an array.
  Json& push(Json value);

  // One line without spaces, or with an indent a line for each value. Invalid UTF-8 becomes U+FFFD, numbers that are
  // not finite become null, doubles are written as the shortest text that reads back the same.
  std::string to_text(int indent = 0) const;
  // The one text of this value: as to_text(), but a double or invalid UTF-8 anywhere in it is an error.
  Result<std::string> canonical() const;

 private:
  using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, std::vector<Json>,
                             std::vector<JsonMember>>;
  static Json from_signed(std::int64_t value);
  static Json from_unsigned(std::uint64_t value);
  // std::uint64_t holds only what std::int64_t cannot, so that equal integers are equal values.
  Value value_;
};

struct JsonMember {
  std::string key;
  Json value;
};

}  // namespace starling::base
