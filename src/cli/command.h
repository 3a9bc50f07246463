#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace starling::cli {

// What the program's exit code says.
inline constexpr int kFine = 0;
inline constexpr int kFailed = 1;       // it could not be done; one sentence on stderr says why and what to do
inline constexpr int kCheckFailed = 2;  // it was done, and what was checked does not hold

// Between two looks of a command that runs until it is interrupted.
inline constexpr std::chrono::milliseconds kPollTime{50};

// Declares the options of one command. Every variable named here must outlive the parsing; one that the user does not
// give keeps its value. Names are as "-o,--output"; ones without a dash are positional.
class Options {
 public:
  enum class Presence : std::uint8_t { kOptional, kRequired };

  explicit Options(void* parser) : parser_(parser) {}
  void text(const std::string& names, std::string& value, const std::string& description,
            Presence presence = Presence::kOptional);
  void integer(const std::string& names, std::int64_t& value, std::int64_t low, std::int64_t high,
               const std::string& description);
  void integer(const std::string& names, std::optional<std::int64_t>& value, std::int64_t low, std::int64_t high,
               const std::string& description);
  void number(const std::string& names, std::optional<double>& value, double low, double high,
              const std::string& description);
  void unsigned_integer(const std::string& names, std::uint64_t& value, const std::string& description);
  void flag(const std::string& names, bool& value, const std::string& description);
  void choice(const std::string& names, std::string& value, const std::vector<std::string>& choices,
              const std::string& description);
  // --json: one object as the last line.
  void json(bool& value);

 private:
  void* parser_;
};

// What a command does once its options are parsed: the exit code, or why it could not be done.
using Action = std::function<base::Result<int>()>;

// One row of the table of commands (commands.cpp). "model info" is command "info" in group "model".
struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view examples;  // shown at the end of --help, one to a line
  Action (*declare)(Options& options);
};
std::span<const Command> commands();

// The whole program: parses, runs one command, prints an error as one sentence on stderr (and with --json as
// {"error":{"code","message"}} on stdout). Gives the exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace starling::cli
