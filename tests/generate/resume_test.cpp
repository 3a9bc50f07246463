// Runs that are killed and go on.
#include <sys/wait.h>

#include <csignal>
#include <random>

#include "base/file.h"
#include "generate/video_job.h"
#include "tiny_model.h"

namespace starling::generate {
namespace {

class Resume : public TinyModel {
 protected:
  struct Made {
    std::string receipt;
    base::Bytes trace;
    std::vector<std::uint8_t> pixels;
    std::uint32_t run = 0;  // calls
  };
  static TextToVideo request() {
    TextToVideo request = small_request();
    request.width = 256;  // three decodes
    request.height = 128;
    request.steps = 3;
    return request;
  }
  static std::filesystem::path journal_path() { return folder() / "made.journal"; }

  // Goes on with the journal; kills itself after so many calls, if that is above zero.
  static base::Result<Made> go_on(std::uint32_t kill_after = 0) {
    const models::Checkpoint model = open();
    STARLING_ASSIGN(const VideoJob job, VideoJob::prepare(model, request()));
    STARLING_ASSIGN(const base::Hash model_root, model.root());
    STARLING_ASSIGN(proof::Journal journal,
                    proof::Journal::open(journal_path(), job.program(), journal_run(job, model_root)));
    STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(folder() / "made.trace"));
    exact::EngineOptions options;
    options.threads = 2;
    STARLING_ASSIGN(exact::Engine engine, exact::Engine::create(options));
    Made made;
    Listener listener;
    listener.after_call = [&](std::uint32_t) -> base::Status {
      if (++made.run == kill_after) ::raise(SIGKILL);
      return {};
    };
    listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
      made.pixels.insert(made.pixels.end(), frame.rgb.begin(), frame.rgb.end());
      return {};
    };
    STARLING_ASSIGN(proof::Receipt receipt, make_video(job, engine, nullptr, trace, journal, listener));
    STARLING_TRY(trace.commit());
    const base::Bytes secret(32, 9);
    STARLING_TRY(proof::sign_receipt(receipt, *base::SecretKey::from_bytes(secret)));
    STARLING_ASSIGN(made.receipt, proof::receipt_text(receipt));
    STARLING_ASSIGN(made.trace, base::read_file(folder() / "made.trace", std::size_t{1} << 26));
    return made;
  }
  static Made unbroken() {
    std::filesystem::remove(journal_path());
    auto made = go_on();
    EXPECT_TRUE(made.ok()) << made.error().message;
    return *made;
  }
  // A process that goes on and is killed after so many calls.
  static void killed_after(std::uint32_t calls) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)go_on(calls);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  static void expect_equal(const base::Result<Made>& made, const Made& wanted) {
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->receipt, wanted.receipt);
    EXPECT_EQ(made->trace, wanted.trace);
    EXPECT_EQ(made->pixels, wanted.pixels);
  }
};

constexpr std::uint32_t kCalls = 3 + 3 + 1 + 3;

TEST_F(Resume, KilledAfterAnyCallTheReceiptIsTheSame) {
  const Made wanted = unbroken();
  EXPECT_EQ(wanted.run, kCalls);
  for (std::uint32_t calls = 1; calls <= kCalls; ++calls) {
    std::filesystem::remove(journal_path());
    killed_after(calls);
    expect_equal(go_on(), wanted);
  }
}

TEST_F(Resume, KilledAgainAndAgainItComesToAnEnd) {
  const Made wanted = unbroken();
  std::filesystem::remove(journal_path());
  // One new step before each death, at most: contexts are made anew each time.
  for (int deaths = 0; deaths < 6; ++deaths) killed_after(2);
  const auto made = go_on();
  expect_equal(made, wanted);
  EXPECT_LT(made->run, kCalls - 3);
}

TEST_F(Resume, AWholeJournalSparesTheSteps) {
  const Made wanted = unbroken();
  const auto made = go_on();
  expect_equal(made, wanted);
  EXPECT_EQ(made->run, 4U) << "the split and the decodes";
}

TEST_F(Resume, DamageIsFoundAndComputedAgain) {
  const Made wanted = unbroken();
  const base::Bytes whole = *base::read_file(journal_path(), std::size_t{1} << 26);
  std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same places every time
  for (int i = 0; i < 12; ++i) {
    base::Bytes changed = whole;
    const std::size_t at = random() % changed.size();
    if (i % 3 == 0) {
      changed.resize(at);
    } else {
      changed[at] ^= static_cast<std::uint8_t>(1 + random() % 255);
    }
    ASSERT_TRUE(base::write_file(journal_path(), changed).ok());
    expect_equal(go_on(), wanted);
  }
}

// Checks that hold, over numbers that are not this run's.
TEST_F(Resume, AForgedJournalIsRefused) {
  const Made wanted = unbroken();
  const models::Checkpoint model = open();
  const auto job = VideoJob::prepare(model, request());
  ASSERT_TRUE(job.ok());
  std::filesystem::remove(journal_path());
  auto journal = proof::Journal::open(journal_path(), job->program(), journal_run(*job, *model.root()));
  ASSERT_TRUE(journal.ok());
  for (std::uint32_t call = 0; call < job->calls().first_step; ++call) {
    const exact::Graph& graph = job->program().graphs()[job->program().calls()[call].graph];
    std::vector<exact::Tensor> outputs;
    for (const exact::GraphOutput& output : graph.outputs()) {
      outputs.push_back(*exact::Tensor::allocate(graph.type(output.value), graph.shape(output.value)));
    }
    for (exact::Tensor& output : outputs) std::ranges::fill(output.mutable_bytes(), std::uint8_t{0});
    const bool kept = is_kept(job->calls(), call);
    proof::OutputRoots roots = proof::output_roots(outputs);
    if (!kept) roots[0].bytes[0] ^= 1;
    ASSERT_TRUE(journal->add(roots, outputs, std::vector<bool>(outputs.size(), kept)).ok());
  }
  const auto made = go_on();
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace starling::generate
