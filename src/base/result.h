#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace starling::base {

// Stable codes: programs match on them, people read the message. Fields may be added, never renumbered.
enum class ErrorCode : std::uint16_t {
  kInvalidArgument = 1,  // what the caller asked for cannot be done; the message says what can
  kNotFound = 2,
  kIo = 3,           // the operating system refused: unreadable, unwritable, disk full
  kCorrupt = 4,      // bytes that do not follow their format, or do not match their hash
  kUnsupported = 5,  // well formed, but not something this program does
  kLimit = 6,        // a bound on size, memory or count was reached
  kNonFinite = 7,    // a NaN or an infinity in the output of a call
  kCancelled = 8,
  kInternal = 9,  // a broken invariant that could be reported instead of halting
};

// The code's name as it is printed and put into JSON, such as "NON_FINITE".
const char* error_code_name(ErrorCode code);

// One sentence that says what was wrong, where, and what to do.
struct Error {
  ErrorCode code;
  std::string message;
};

// A value, or why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Precondition of these four: ok().
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  // Precondition: !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Success, or why not.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Precondition: !ok().
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

inline Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }
inline Error not_found(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }
inline Error io_error(std::string message) { return {ErrorCode::kIo, std::move(message)}; }
inline Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }
inline Error unsupported(std::string message) { return {ErrorCode::kUnsupported, std::move(message)}; }
inline Error limit_error(std::string message) { return {ErrorCode::kLimit, std::move(message)}; }
inline Error cancelled(std::string message) { return {ErrorCode::kCancelled, std::move(message)}; }
inline Error internal_error(std::string message) { return {ErrorCode::kInternal, std::move(message)}; }

// Ends the process with the message: for an invariant of the program itself that does not hold, never for bad input.
[[noreturn]] void halt(const char* message);

}  // namespace starling::base

// STARLING_TRY(expression): returns its error from the enclosing function, if it has one.
#define STARLING_TRY(expression)                                                                      \
  do {                                                                                                \
    if (auto&& starling_status = (expression); !starling_status.ok()) return starling_status.error(); \
  } while (false)

#define STARLING_CONCAT_(a, b) a##b
#define STARLING_CONCAT(a, b) STARLING_CONCAT_(a, b)

// STARLING_ASSIGN(declaration, expression): declares or assigns the value, or returns the error.
#define STARLING_ASSIGN(declaration, expression) \
  STARLING_ASSIGN_(STARLING_CONCAT(starling_result_, __LINE__), declaration, expression)
#define STARLING_ASSIGN_(temporary, declaration, expression) \
  auto temporary = (expression);                             \
  if (!temporary.ok()) return temporary.error();             \
  declaration = std::move(*std::move(temporary))
