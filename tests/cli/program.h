#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace starling::cli {

// What a run of the program left behind.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;

  // The object on the last line of stdout.
  base::Json json() const;
};

// These arguments and more.
std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more);
std::string contents(const std::filesystem::path& path);
void overwrite(const std::filesystem::path& path, const std::string& text);
std::string big_endian(std::uint32_t value);
// Its table of contents says that it is packed, and has 2,000 MiB.
std::string film_of_much_memory();

// A folder with a tiny untrained model and a home for keys, written once for a test program; the working folder of the
// runs is new for each test.
class ProgramTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  ProgramTest();
  ~ProgramTest() override;

  static std::filesystem::path model();
  // A copy of it in the working folder, whose kin is the same model and says that it was distilled to so many steps.
  std::filesystem::path model_with_kin(std::int64_t student_steps) const;
  std::filesystem::path at(const std::string& name) const { return folder_ / name; }
  // Names in the working folder, hidden ones too, sorted.
  std::vector<std::string> left() const;

  // In this process: fast, for many runs.
  static Ran run(std::vector<std::string> arguments);
  // The arguments of the smallest video with every kind of call.
  std::vector<std::string> small(const std::string& output) const;

  // The program itself, started in the working folder; `out` takes its stdout if it is not empty.
  pid_t start(const std::vector<std::string>& arguments, const std::string& out = {}, std::size_t largest_file = 0);
  // Waits for it. code is negative for a signal.
  Ran wait(pid_t child);

 private:
  static std::filesystem::path& shared();
  std::filesystem::path folder_;
};

}  // namespace starling::cli
