// ./run, and what is left of a network on this machine when it is stopped.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "program.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPause{10};

// The script in a tree of its own, where there is nothing to install or to build.
class RunScript : public ProgramTest {
 protected:
  RunScript() {
    fs::create_directories(tree() / "cmake");
    fs::create_directories(tree() / "build" / "release");
    fs::create_directories(temporary());
    fs::copy_file(fs::path(STARLING_TEST_DATA).parent_path().parent_path().parent_path() / "run", tree() / "run");
    for (const char* script : {"install_packages.sh", "build.sh"}) write_script(tree() / "cmake" / script, "exit 0");
    fs::create_symlink(STARLING_PROGRAM, program());
    ::setenv("TMPDIR", temporary().c_str(), 1);
  }
  ~RunScript() override { ::unsetenv("TMPDIR"); }

  fs::path tree() const { return at("tree"); }
  fs::path program() const { return tree() / "build" / "release" / "starling"; }
  fs::path temporary() const { return at("tmp"); }

  static void write_script(const fs::path& path, const std::string& body) {
    ASSERT_TRUE(base::write_file(path, base::as_bytes("#!/bin/sh\n" + body + "\n")).ok());
    fs::permissions(path, fs::perms::owner_all);
  }

  // In a session of its own, as a terminal would start it. Its output goes to files in the test's folder.
  pid_t begin(std::vector<std::string> words) const {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setsid();
    if (::freopen(at("out").c_str(), "w", stdout) == nullptr || ::freopen(at("err").c_str(), "w", stderr) == nullptr) {
      ::_exit(126);
    }
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  Ran end(pid_t child) const {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    Ran ran;
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    constexpr std::size_t kLimit = 1 << 20;
    if (const auto text = base::read_text_file(at("out"), kLimit); text.ok()) ran.out = *text;
    if (const auto text = base::read_text_file(at("err"), kLimit); text.ok()) ran.err = *text;
    return ran;
  }
  Ran run_script(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), (tree() / "run").string());
    return end(begin(std::move(arguments)));
  }
  // Asks for twenty seconds whether the network's folder is there, or is gone.
  bool until_home_is(bool there) const {
    for (int i = 0; i < 2000; ++i) {
      if (fs::is_empty(temporary()) != there) return true;
      std::this_thread::sleep_for(kPause);
    }
    return false;
  }
};

struct Blow {
  int signal;
  int milliseconds;  // until the next
};

TEST_F(RunScript, NothingStaysHoweverItIsStopped) {
  const std::vector<std::vector<Blow>> blows{{{SIGINT, 0}},
                                             {{SIGTERM, 0}},
                                             {{SIGHUP, 0}},
                                             {{SIGINT, 5}, {SIGINT, 5}, {SIGINT, 0}},
                                             {{SIGTERM, 40}, {SIGINT, 0}},
                                             {{SIGKILL, 0}}};
  int delay = 600;
  for (const std::vector<Blow>& sequence : blows) {
    const pid_t child = begin({(tree() / "run").string(), "a red ball bounces", "--model", model().string(), "--size",
                               "64x64", "--steps", "1000", "-o", at("out.mp4").string()});
    ASSERT_TRUE(until_home_is(true));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    for (const Blow& blow : sequence) {
      ::kill(-child, blow.signal);
      std::this_thread::sleep_for(std::chrono::milliseconds(blow.milliseconds));
    }
    const Ran ran = end(child);
    EXPECT_NE(ran.code, 0);
    EXPECT_EQ(ran.err.find("503"), std::string::npos) << ran.err;
    // Who was killed outright cannot wait for the others.
    EXPECT_TRUE(sequence[0].signal == SIGKILL || fs::is_empty(temporary())) << sequence[0].signal << " " << delay;
    EXPECT_TRUE(until_home_is(false)) << sequence[0].signal << " " << delay;
    EXPECT_EQ(left(), (std::vector<std::string>{"err", "out", "tmp", "tree"}));
    delay = 600 - delay;  // while the network starts, or while it works
  }
}

TEST_F(RunScript, ANetworkThatIsCutOffLeavesNoHome) {
  for (const std::vector<Blow>& sequence :
       {std::vector<Blow>{{SIGTERM, 1}, {SIGINT, 0}}, std::vector<Blow>{{SIGINT, 20}, {SIGTERM, 0}},
        std::vector<Blow>{{SIGKILL, 0}}}) {
    const pid_t child = begin({STARLING_PROGRAM, "devnet", "--providers", "1", "--model", model().string()});
    ASSERT_TRUE(until_home_is(true));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (const Blow& blow : sequence) {
      ::kill(child, blow.signal);
      std::this_thread::sleep_for(std::chrono::milliseconds(blow.milliseconds));
    }
    end(child);
    EXPECT_TRUE(until_home_is(false)) << sequence[0].signal;
  }
}

TEST_F(RunScript, WhatCannotBeMadeStartsNoNetwork) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& expected) {
    arguments.insert(arguments.end(), {"--model", model().string(), "-o", at("out.mp4").string()});
    const Ran ran = run_script(arguments);
    EXPECT_EQ(ran.code, 1) << expected;
    EXPECT_NE(ran.err.find(expected), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("starting"), std::string::npos) << ran.err;
    EXPECT_EQ(left(), (std::vector<std::string>{"err", "out", "tmp", "tree"}));
    return ran;
  };
  refused({""}, "the prompt is empty");
  refused({"a ball", "--bogus"}, "--bogus");
  refused({"a ball", "--size", "65x64"}, "the nearest are 64 and 80");
  const Ran told = refused({"a ball", "--steps", "0", "--json"}, "--steps");
  EXPECT_TRUE(told.json().has("error")) << told.out;
}

TEST_F(RunScript, AVideoIsMadeAndChecked) {
  const std::vector<std::string> arguments{"a red ball", "--model", model().string(), "--size", "32x16",
                                           "--frames",   "5",       "--steps",        "2",      "--json"};
  const Ran made = run_script(arguments);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(*made.json().text("video"), (tree() / "videos" / "a-red-ball.mp4").string());
  EXPECT_NE(made.err.find("The video shows the frames of the receipt"), std::string::npos) << made.err;
  EXPECT_EQ(made.err.find("replaces"), std::string::npos) << made.err;
  EXPECT_TRUE(fs::is_empty(temporary()));
}

TEST_F(RunScript, AModelsKinOfFewStepsMakesTheVideo) {
  const std::string family = model_with_kin(2).string();
  const Ran made =
      run_script({"a red ball", "--fast", "--model", family, "--size", "32x16", "--frames", "5", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(*made.json().text("model_root"), *run({"model", "info", family + "/fast", "--json"}).json().text("root"));
  EXPECT_NE(made.err.find("The video shows the frames of the receipt"), std::string::npos) << made.err;
  EXPECT_TRUE(fs::is_empty(temporary()));
}

TEST_F(RunScript, OtherPromptsGetOtherNames) {
  fs::remove(program());
  write_script(program(), "echo \"$4\"; exit 1");
  const auto name = [&](const std::string& prompt) {
    const Ran ran = run_script({prompt, "--json"});
    return fs::path(ran.out.substr(0, ran.out.find('\n'))).filename().string();
  };
  EXPECT_EQ(name("a red ball"), "a-red-ball.mp4");
  std::vector<std::string> names;
  for (const char* prompt : {"a red ball", "A red ball", "a red ball!", "红色的球", "蓝色的球", "красный мяч",
                             "../../x", "two\nlines", "-o"}) {
    names.push_back(name(prompt));
    EXPECT_TRUE(names.back().ends_with(".mp4")) << prompt;
    EXPECT_EQ(std::count(names.begin(), names.end(), names.back()), 1) << prompt << " " << names.back();
  }
  EXPECT_LT(name(std::string(500, 'x')).size(), 70U);
}

}  // namespace
}  // namespace starling::cli
