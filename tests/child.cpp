#include "child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>

namespace starling {
namespace {

using Body = void (*)(const ChildArguments& given);

constexpr std::chrono::minutes kPatience{5};
constexpr const char* kOption = "--child";
constexpr const char* kReport = "report ";

std::map<std::string, Body>& bodies() {
  static std::map<std::string, Body> bodies;
  return bodies;
}

int run_body(const std::string& name, const ChildArguments& given) {
  bodies().at(name)(given);
  return testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed() ? 1 : 0;
}

base::ChildProcess start(const std::string& name, const ChildArguments& given) {
  std::vector<std::string> command;
#ifdef STARLING_TEST_EMULATOR  // words of what runs programs for another processor, one a line
  std::istringstream emulator(STARLING_TEST_EMULATOR);
  for (std::string word; std::getline(emulator, word);) command.push_back(word);
#endif
  command.insert(command.end(), {base::own_program()->string(), kOption, name});
  command.insert(command.end(), given.begin(), given.end());
  auto process = base::ChildProcess::start(command, {});
  if (!process.ok()) {
    std::cerr << process.error().message << '\n';
    std::abort();
  }
  return *std::move(process);
}

}  // namespace

ChildBody::ChildBody(const std::string& name, Body body) { bodies().emplace(name, body); }

Child::Child(const std::string& name, const ChildArguments& given) : process_(start(name, given)) {}

void Child::kill() { ::kill(process_.id(), SIGKILL); }

int Child::wait() { return process_.wait(kPatience); }

std::optional<std::uint64_t> Child::next_report() {
  const std::string report = kReport;
  for (;;) {
    const auto line = process_.read_line(kPatience);
    if (!line.ok()) return std::nullopt;
    if (line->starts_with(report)) return std::stoull(line->substr(report.size()));
    std::cerr << *line << '\n';
  }
}

std::vector<std::uint64_t> Child::reports() {
  std::vector<std::uint64_t> numbers;
  while (const auto number = next_report()) numbers.push_back(*number);
  return numbers;
}

void Child::report(std::uint64_t number) {
  const std::string line = kReport + std::to_string(number) + '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

}  // namespace starling

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 2 && argv[1] == std::string(starling::kOption))
    return starling::run_body(argv[2], starling::ChildArguments(argv + 3, argv + argc));
  return RUN_ALL_TESTS();
}
