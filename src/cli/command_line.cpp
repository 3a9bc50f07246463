#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include "cli/command.h"
#include "cli/output.h"

namespace starling::cli {
namespace {

CLI::App& app_of(void* parser) { return *static_cast<CLI::App*>(parser); }

constexpr std::size_t kMaxShown = 60;  // bytes of a wrong argument in a message

// A range check with a sentence of ours.
template <typename T>
CLI::Option* within(CLI::Option* option, T low, T high) {
  return option->check([low, high](const std::string& text) -> std::string {
    T value;
    if (CLI::detail::lexical_cast(text, value) && low <= value && value <= high) return {};
    const char* kind = std::is_integral_v<T> ? "\" is not a whole number from " : "\" is not a number from ";
    return "\"" + text.substr(0, kMaxShown) + kind + CLI::detail::to_string(low) + " to " +
           CLI::detail::to_string(high);
  });
}

std::string overview() {
  std::string text =
      "starling makes videos from text that anyone can check.\n\n"
      "Usage: starling COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands()) {
    text += "  " + std::string(command.name);
    text.append(command.name.size() < 16 ? 16 - command.name.size() : 1, ' ');
    text += std::string(command.summary) + "\n";
  }
  return text +
         "\n\"starling COMMAND --help\" says more. Exit codes: 0 fine, 1 it could not be done, 2 a check failed.\n";
}

// The row whose name the arguments begin with, the longest such.
const Command* find_command(const std::vector<std::string>& arguments, std::size_t& words) {
  if (arguments.size() > 2) {
    const std::string two = arguments[1] + " " + arguments[2];
    words = 2;
    for (const Command& command : commands())
      if (command.name == two) return &command;
  }
  words = 1;
  for (const Command& command : commands())
    if (command.name == arguments[1]) return &command;
  return nullptr;
}

base::Error unknown_command(const std::string& name) {
  std::string members;
  for (const Command& command : commands())
    if (command.name.starts_with(name + " "))
      members += (members.empty() ? " " : ", ") + ("\"starling " + std::string(command.name) + "\"");
  if (!members.empty()) return base::invalid("\"starling " + name + "\" needs one more word:" + members);
  return base::invalid("there is no command \"" + name + "\": \"starling --help\" lists them");
}

// Nothing if every option was given as often as it may be. The parser's own words do not say what to do.
std::optional<base::Error> given_too_often(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > static_cast<std::size_t>(option->get_items_expected_max())) {
      return base::invalid(option->get_name() + " is given " + std::to_string(option->count()) +
                           " times; give it once");
    }
  }
  return {};
}

// Nothing to do if the user asked for help.
base::Result<std::optional<Action>> parse_command(const Command& command, std::vector<std::string> arguments) {
  try {
    CLI::App app{std::string(command.summary), "starling " + std::string(command.name)};
    std::string footer = "Examples:";
    std::size_t start = 0;
    const std::string examples(command.examples);
    while (start < examples.size()) {
      const std::size_t end = std::min(examples.find('\n', start), examples.size());
      footer += "\n  " + examples.substr(start, end - start);
      start = end + 1;
    }
    app.footer(footer);
    app.set_help_flag("-h,--help", "Print this and exit");
    Options options(&app);
    Action action = command.declare(options);
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      std::fputs(app.help().c_str(), stdout);
      return std::optional<Action>();
    } catch (const CLI::ArgumentMismatch&) {
      if (auto error = given_too_often(app)) return *std::move(error);
      throw;
    }
    return std::optional<Action>(std::move(action));
  } catch (const CLI::Error& error) {
    return base::invalid(std::string(error.what()) + "; \"starling " + std::string(command.name) +
                         " --help\" lists what there is");
  }
}

}  // namespace

void Options::text(const std::string& names, std::string& value, const std::string& description, Presence presence) {
  auto* option = app_of(parser_).add_option(names, value, description)->type_name("TEXT");
  if (presence == Presence::kRequired) option->required();
}

void Options::integer(const std::string& names, std::int64_t& value, std::int64_t low, std::int64_t high,
                      const std::string& description) {
  within(app_of(parser_).add_option(names, value, description)->type_name("N")->capture_default_str(), low, high);
}

void Options::integer(const std::string& names, std::optional<std::int64_t>& value, std::int64_t low, std::int64_t high,
                      const std::string& description) {
  within(app_of(parser_).add_option(names, value, description)->type_name("N"), low, high);
}

void Options::number(const std::string& names, std::optional<double>& value, double low, double high,
                     const std::string& description) {
  within(app_of(parser_).add_option(names, value, description)->type_name("NUMBER"), low, high);
}

void Options::unsigned_integer(const std::string& names, std::uint64_t& value, const std::string& description) {
  // The parser would take a sign and bend what is too large.
  const auto read = [&value, names](const std::string& text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return;
    throw CLI::ValidationError(names, "\"" + text + "\" is not a whole number from 0 to " +
                                          std::to_string(std::numeric_limits<std::uint64_t>::max()));
  };
  app_of(parser_)
      .add_option_function<std::string>(names, read, description)
      ->type_name("N")
      ->default_str(std::to_string(value));
}

void Options::flag(const std::string& names, bool& value, const std::string& description) {
  app_of(parser_).add_flag(names, value, description);
}

void Options::json(bool& value) { flag("--json", value, "Print one JSON object as the last line"); }

void Options::choice(const std::string& names, std::string& value, const std::vector<std::string>& choices,
                     const std::string& description) {
  app_of(parser_).add_option(names, value, description)->check(CLI::IsMember(choices))->capture_default_str();
}

int run_program(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || arguments[1] == "--help" || arguments[1] == "-h" || arguments[1] == "help") {
    const bool asked = arguments.size() >= 2;
    std::fputs(overview().c_str(), asked ? stdout : stderr);
    return asked ? finish_output(kFine) : kFailed;
  }
  std::vector<std::string> words = arguments;
  if (words[1] == "--version") words[1] = "version";
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  std::size_t name_words = 0;
  const Command* command = find_command(words, name_words);
  if (command == nullptr) return report(unknown_command(words[1]), json);
  const auto action = parse_command(
      *command, std::vector<std::string>(words.begin() + 1 + static_cast<std::ptrdiff_t>(name_words), words.end()));
  if (!action.ok()) return report(action.error(), json);
  if (!action->has_value()) return finish_output(kFine);
  const base::Result<int> code = (**action)();
  if (!code.ok()) return report(code.error(), json);
  return finish_output(*code);
}

}  // namespace starling::cli
