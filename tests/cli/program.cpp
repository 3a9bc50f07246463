#include "program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "cli/command.h"
#include "exact/engine.h"
#include "generate/random_model.h"
#include "models/checkpoint.h"
#include "models/fast_model.h"
#include "train/first_world/caption.h"

namespace starling::cli {

namespace fs = std::filesystem;

base::Json Ran::json() const {
  std::string text = out;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  auto json = base::Json::parse(line == std::string::npos ? text : text.substr(line + 1), "the output");
  EXPECT_TRUE(json.ok()) << out << err;
  return json.ok() ? *std::move(json) : base::Json();
}

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string contents(const fs::path& path) {
  auto text = base::read_text_file(path, std::size_t{1} << 26U);
  EXPECT_TRUE(text.ok()) << text.error().message;
  return text.ok() ? *text : std::string();
}

void overwrite(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(text.data(), static_cast<std::streamsize>(text.size()));
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (unsigned shift = 32; shift > 0; shift -= 8) bytes.push_back(static_cast<char>(value >> (shift - 8)));
  return bytes;
}

std::string film_of_much_memory() {
  const auto box = [](const std::string& kind, const std::string& data) {
    return big_endian(static_cast<std::uint32_t>(data.size() + 8)) + kind + data;
  };
  const std::string packed = box("cmvd", big_endian(2000U << 20) + "x");
  return box("ftyp", std::string("qt  \0\0\0\0", 8)) + box("moov", box("cmov", box("dcom", "zlib") + packed));
}

fs::path& ProgramTest::shared() {
  static fs::path path;
  return path;
}

fs::path ProgramTest::model() { return shared() / "model"; }

fs::path ProgramTest::model_with_kin(std::int64_t student_steps) const {
  const fs::path folder = at("family");
  fs::remove_all(folder);
  fs::copy(model(), folder, fs::copy_options::recursive);
  fs::copy(model(), folder / models::kFastFolder, fs::copy_options::recursive);
  models::SchedulerConfig scheduler{1000, 2.0F};
  scheduler.student_steps = student_steps;
  const std::string text = models::write_scheduler_config(scheduler);
  const fs::path file = folder / models::kFastFolder / "scheduler" / "scheduler_config.json";
  EXPECT_TRUE(base::write_file(file, base::as_bytes(text)).ok());
  return folder;
}

void ProgramTest::SetUpTestSuite() {
  shared() = fs::temp_directory_path() / ("starling-cli-" + std::to_string(::getpid()));
  fs::create_directories(shared());
  ::setenv("STARLING_HOME", (shared() / "home").c_str(), 1);
  const std::vector<std::string> sentences = train::caption_corpus(500, 0);
  auto engine = exact::Engine::create({});
  ASSERT_TRUE(engine.ok());
  const auto made = generate::random_model(generate::RandomModelSize::kTiny, sentences, 3, *engine);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ASSERT_TRUE(models::write_checkpoint(model(), *made).ok());
}

void ProgramTest::TearDownTestSuite() { fs::remove_all(shared()); }

ProgramTest::ProgramTest() : folder_(shared() / testing::UnitTest::GetInstance()->current_test_info()->name()) {
  fs::create_directories(folder_);
}

ProgramTest::~ProgramTest() { fs::remove_all(folder_); }

std::vector<std::string> ProgramTest::left() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

Ran ProgramTest::run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "starling");
  Ran ran;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.code = run_program(arguments);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

std::vector<std::string> ProgramTest::small(const std::string& output) const {
  return {"generate", "a red ball bounces", "-o", at(output).string(), "--model", model().string(), "--size",
          "32x16",    "--frames",           "5",  "--steps",           "2",       "--seed",         "5",
          "--json"};
}

pid_t ProgramTest::start(const std::vector<std::string>& arguments, const std::string& out, std::size_t largest_file) {
  const std::string err_path = (folder_.parent_path() / "stderr").string();
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<char*> words{const_cast<char*>(STARLING_PROGRAM)};
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const std::string stdout_path = out.empty() ? (folder_.parent_path() / "stdout").string() : out;
  const int out_file = ::open(stdout_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_file = ::open(err_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(out_file, STDOUT_FILENO);
  ::dup2(err_file, STDERR_FILENO);
  if (largest_file != 0) {
    const rlimit limit{largest_file, largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (::chdir(folder_.c_str()) != 0) ::_exit(126);
  ::execv(STARLING_PROGRAM, words.data());
  ::_exit(127);
}

Ran ProgramTest::wait(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  Ran ran;
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  constexpr std::size_t kLimit = 1 << 20;
  const auto out = base::read_text_file(folder_.parent_path() / "stdout", kLimit);
  const auto err = base::read_text_file(folder_.parent_path() / "stderr", kLimit);
  if (out.ok()) ran.out = *out;
  if (err.ok()) ran.err = *err;
  return ran;
}

}  // namespace starling::cli
