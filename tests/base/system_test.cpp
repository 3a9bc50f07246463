#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"

namespace starling::base {
namespace {

TEST(Random, DrawsDiffer) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
  EXPECT_EQ(seen.size(), 1000U);
  std::array<std::uint8_t, 1000> bytes{};
  fill_random(bytes);
  EXPECT_GT(std::set<std::uint8_t>(bytes.begin() + 512, bytes.end()).size(), 50U);
  wipe(bytes);
  EXPECT_EQ(std::set<std::uint8_t>(bytes.begin(), bytes.end()), std::set<std::uint8_t>{0});
}

// Sets a limit of this process for as long as it is there.
class LimitFor {
 public:
  LimitFor(decltype(RLIMIT_AS) resource, std::uint64_t bytes) : resource_(resource) {
    ::getrlimit(resource_, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(resource_, &limit);
  }
  ~LimitFor() { ::setrlimit(resource_, &before_); }
  LimitFor(const LimitFor&) = delete;
  LimitFor& operator=(const LimitFor&) = delete;

  // Emulators of other machines take limits of memory without setting them, for they need memory of their own.
  bool is_set() const {
    rlimit limit{};
    return ::getrlimit(resource_, &limit) == 0 && limit.rlim_cur != before_.rlim_cur;
  }

 private:
  decltype(RLIMIT_AS) resource_;
  rlimit before_{};
};

std::uint64_t mapped(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == name && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

TEST(Memory, LimitsOfTheProcessLeaveLess) {
  const UsableMemory free = usable_memory();
  EXPECT_EQ(free.bytes, physical_memory_bytes());
  EXPECT_EQ(free.limit, "");
  if (!LimitFor(RLIMIT_AS, free.bytes).is_set()) GTEST_SKIP() << "no limits can be set here";
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
  constexpr std::uint64_t kRoom = 300 * kMiB;
  const auto check = [&](decltype(RLIMIT_AS) resource, const char* field, const char* name) {
    const LimitFor limit(resource, mapped(field) + kRoom);
    const UsableMemory usable = usable_memory();
    EXPECT_EQ(usable.limit, name);
    EXPECT_LE(usable.bytes, kRoom);
    EXPECT_GE(usable.bytes, kRoom - 32 * kMiB);
    EXPECT_NE(map_memory(usable.bytes - 32 * kMiB), nullptr) << "it can be had";
    EXPECT_EQ(map_memory(usable.bytes + 32 * kMiB), nullptr) << "and no more";
  };
  check(RLIMIT_AS, "VmSize:", "ulimit -v");
  check(RLIMIT_DATA, "VmData:", "ulimit -d");
  const LimitFor none(RLIMIT_AS, 1);
  EXPECT_EQ(usable_memory().bytes, 0U);
}

TEST(Memory, PeakGrowsWithUse) {
  const std::uint64_t before = peak_memory_bytes();
  EXPECT_GT(before, 1U << 20);
  std::vector<char> block(std::size_t{64} << 20);
  for (std::size_t i = 0; i < block.size(); i += 4096) block[i] = static_cast<char>(i >> 12 | 1);
  EXPECT_GT(peak_memory_bytes(), before + (std::uint64_t{48} << 20)) << static_cast<int>(block[4096]);
}

TEST(Interrupt, SignalsSetTheFlagOnce) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    clear_interrupt();
    EXPECT_TRUE(check_interrupt().ok());
    std::raise(number);
    EXPECT_TRUE(interrupted());
    EXPECT_EQ(check_interrupt().error().code, ErrorCode::kCancelled);
  }
  clear_interrupt();
  EXPECT_FALSE(interrupted());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
}

TEST(Interrupt, AHangupThatIsIgnoredStaysSo) {
  std::signal(SIGHUP, SIG_IGN);
  clear_interrupt();
  std::raise(SIGHUP);
  EXPECT_FALSE(interrupted());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
}

TEST(InterruptDeathTest, ASecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        catch_interrupts();
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

constexpr std::int64_t kTime = 1'795'319'760;

TEST(Log, TextLines) {
  EXPECT_EQ(format_log_line(LogFormat::kText, kTime, LogLevel::kInfo, "made a video", {{"frames", "17"}}),
            "2026-11-22T03:56:00Z info made a video frames=17");
  EXPECT_EQ(format_log_line(LogFormat::kText, kTime, LogLevel::kError, "two\nlines", {{"path", "a b"}, {"empty", ""}}),
            "2026-11-22T03:56:00Z error \"two\\nlines\" path=\"a b\" empty=\"\"");
}

TEST(Log, JsonLines) {
  EXPECT_EQ(format_log_line(LogFormat::kJson, kTime, LogLevel::kWarning, "say \"hi\"", {{"key", "\n"}}),
            R"({"key":"\n","level":"warning","message":"say \"hi\"","time":"2026-11-22T03:56:00Z"})");
}

TEST(Log, OnlyWhatIsAsked) {
  testing::internal::CaptureStderr();
  set_log(LogLevel::kWarning, LogFormat::kText);
  log(LogLevel::kInfo, "hidden");
  log(LogLevel::kWarning, "shown");
  set_log(LogLevel::kSilent, LogFormat::kText);
  log(LogLevel::kError, "silenced");
  set_log(LogLevel::kWarning, LogFormat::kText);
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(output.find("hidden"), std::string::npos);
  EXPECT_NE(output.find("warning shown\n"), std::string::npos);
  EXPECT_EQ(output.find("silenced"), std::string::npos);
}

TEST(Progress, Lines) {
  ProgressState state{"denoising", "step", "loss 0.5", 10, 40, 5.0};
  EXPECT_EQ(format_progress(state, 0, true),
            "denoising [######..................] 10/40, 2.0 steps/s, 15 s left, loss 0.5");
  EXPECT_EQ(format_progress(state, 0, false), "denoising 10/40, 2.0 steps/s, 15 s left, loss 0.5");
  EXPECT_EQ(format_progress(state, 15, false), "denoising 10/40");
  state = {"training", "step", "", 1, 100, 20.0};
  EXPECT_EQ(format_progress(state, 0, false), "training 1/100, 20.0 s/step, 33 min 00 s left");
  state = {"training", "step", "", 60, 100, 5.0, 50};
  EXPECT_EQ(format_progress(state, 0, false), "training 60/100, 2.0 steps/s, 20 s left");
  state = {"reading", "", "", 7, 0, 1.0};
  EXPECT_EQ(format_progress(state, 0, true), "reading 7");
  state = {"starting", "step", "", 0, 5, 0.0};
  EXPECT_EQ(format_progress(state, 0, false), "starting 0/5");
}

TEST(Progress, FactsComeBeforeTheBar) {
  const ProgressState state{"training", "step", "49.6 samples/s, loss 0.1234, rate 0.001, gradient 0.312",
                            12345,      30000,  3982.3};
  EXPECT_EQ(format_progress(state, 79, true),
            "training 12345/30000, 3.1 steps/s, 1 h 34 min left, 49.6 samples/s, loss 0.1234");
  EXPECT_EQ(format_progress(state, 100, true),
            "training 12345/30000, 3.1 steps/s, 1 h 34 min left, 49.6 samples/s, loss 0.1234, rate 0.001");
  EXPECT_EQ(format_progress(state, 78, true),
            "training 12345/30000, 1 h 34 min left, 49.6 samples/s, loss 0.1234, rate 0.001");
  EXPECT_EQ(format_progress(state, 76, true), "training 12345/30000, 1 h 34 min left, 49.6 samples/s, loss 0.1234");
  EXPECT_EQ(format_progress(state, 53, true), "training 12345/30000, 1 h 34 min left, 49.6 samples/s");
  EXPECT_EQ(format_progress(state, 20, true), "training 12345/30000");
  for (int columns = 1; columns < 160; ++columns) {
    EXPECT_LE(format_progress(state, columns, true).size(), static_cast<std::size_t>(columns));
  }
  EXPECT_NE(format_progress(state, 0, true).find("[#########...............] 12345/30000, 3.1 steps/s, 1 h"),
            std::string::npos);
}

TEST(Progress, Durations) {
  EXPECT_EQ(format_duration(-1.0), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(185.0), "3 min 05 s");
  EXPECT_EQ(format_duration(7500.0), "2 h 05 min");
}

TEST(Progress, QuietIsQuietAndPipesGetLines) {
  testing::internal::CaptureStderr();
  {
    Progress quiet("work", 2, "step", ProgressMode::kQuiet);
    quiet.update(1);
    quiet.finish();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  {
    Progress lines("work", 2, "step");
    lines.update(1);
    lines.update(2);
    lines.finish("loss 0.5");
  }
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(output.starts_with("work 2/2")) << output;
  EXPECT_NE(output.find(", loss 0.5, took "), std::string::npos) << output;
  EXPECT_EQ(output.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace starling::base
