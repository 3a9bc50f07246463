// What a gateway keeps of what strangers uploaded.
#include "node/task_inputs.h"

#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using std::chrono::milliseconds;

base::Bytes bytes_of(std::uint32_t seed, std::size_t size = 1000) {
  base::Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed >> (8 * (i % 4)));
  return bytes;
}

class TaskInputsTest : public testing::Test {
 protected:
  TaskInputsTest() { open(); }
  void open() {
    store::BlobOptions options;
    options.most_blobs = 8;
    uploads = std::move(*store::Blobs::open(temporary / "uploads", options));
  }
  void start(std::uint64_t most_bytes = kTaskInputBytes, milliseconds keep = std::chrono::hours(1)) {
    inputs = std::move(*TaskInputs::start(gateway.chain(), *uploads, {most_bytes, keep, milliseconds(10)}));
  }
  void start_again(std::uint64_t most_bytes = kTaskInputBytes, milliseconds keep = std::chrono::hours(1)) {
    inputs.reset();
    uploads.reset();
    open();
    start(most_bytes, keep);
  }
  base::Hash upload(std::uint32_t seed, std::size_t size = 1000) {
    return *uploads->put(bytes_of(seed, size), unix_seconds() + seed);
  }
  // As many as push everything out that may go.
  void flood() {
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(uploads->put(bytes_of(1000 + flooded_++), unix_seconds() + 1000).ok());
  }
  std::uint64_t submit(const std::vector<base::Hash>& names, ledger::Motes max_price = kCredit,
                       std::uint8_t from = kAnn) {
    market::SubmitTask message;
    message.program = base::sha256({});
    message.inputs = names;
    message.work_per_part = 1'000'000'000;
    message.calls = 5;
    message.memory_mebibytes = 1;
    message.max_price = max_price;
    message.time_limit = 1000;
    message.deadline = static_cast<std::uint64_t>(unix_seconds()) * 1000 + 3000;
    message.assurance = "single";
    const auto done = account(from).carry_out(message);
    EXPECT_TRUE(done.ok()) << done.error().message;
    return ++tasks_;
  }
  Account& account(std::uint8_t key) { return (key == kAnn ? ann : bob).account(); }
  bool is_pinned(const base::Hash& name) const {
    const auto pins = uploads->pins();
    return std::any_of(pins.begin(), pins.end(), [&](const store::BlobPin& pin) { return pin.name == name; });
  }
  bool soon(const std::function<bool()>& holds) { return gateway.wait_until(holds, std::chrono::seconds(10)); }

  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
  TestRequester ann{temporary / "ann", gateway.url(), kAnn};
  TestRequester bob{temporary / "bob", gateway.url(), kBob};
  std::unique_ptr<store::Blobs> uploads;
  std::unique_ptr<TaskInputs> inputs;

 private:
  std::uint64_t tasks_ = 0;
  std::uint32_t flooded_ = 0;
};

TEST_F(TaskInputsTest, NoFloodOfUploadsPushesOutWhatATaskNeeds) {
  start();
  const base::Hash first = upload(1);
  const base::Hash second = upload(2);
  const base::Hash nobodys = upload(3);
  submit({first, second});
  ASSERT_TRUE(soon([&] { return is_pinned(first) && is_pinned(second); }));
  flood();
  EXPECT_TRUE(uploads->has(first) && uploads->has(second));
  EXPECT_FALSE(uploads->has(nobodys));
  // What a task names before it is here is kept when it comes.
  const base::Hash late = store::BlobManifest::of_piece(bytes_of(4)).name();
  submit({late});
  ASSERT_TRUE(soon([&] { return is_pinned(late); }));
  upload(4);
  flood();
  EXPECT_TRUE(uploads->has(late));
}

TEST_F(TaskInputsTest, AStartFindsWhatIsToBeKept) {
  const base::Hash before = upload(1);
  submit({before});
  ASSERT_TRUE(uploads->pin(upload(2), "task-77").ok());
  ASSERT_TRUE(uploads->pin(upload(3), "task-1").ok());
  ASSERT_TRUE(uploads->pin(upload(4), "odd").ok());
  start();
  EXPECT_TRUE(is_pinned(before)) << "the task came while nobody looked";
  EXPECT_EQ(uploads->pins().size(), 1U) << "of tasks that are not, or have other inputs";
  start_again();
  flood();
  EXPECT_TRUE(uploads->has(before));
}

TEST_F(TaskInputsTest, TheyGoWhenTheTaskIsOverAndItsDeadlineLongAgo) {
  start(kTaskInputBytes, milliseconds(1500));
  const base::Hash name = upload(1);
  const std::uint64_t task = submit({name});
  ASSERT_TRUE(soon([&] { return is_pinned(name); }));
  ASSERT_TRUE(ann->cancel(task).ok());
  start_again(kTaskInputBytes, milliseconds(1500));
  EXPECT_TRUE(is_pinned(name)) << "it is settled, but its deadline is to come";
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(soon([&] {
    // Time is that of blocks.
    std::this_thread::sleep_for(milliseconds(100));
    EXPECT_TRUE(account(kBob).carry_out(ledger::bank::Transfer{test_key(5).address(), 1}).ok());
    return !is_pinned(name);
  }));
  EXPECT_GT(std::chrono::steady_clock::now() - start, milliseconds(1500));
  flood();
  EXPECT_FALSE(uploads->has(name));
}

TEST_F(TaskInputsTest, WhatPutsLeastIntoEscrowForEachByteGivesWay) {
  start(3 * 4096);  // three small ones
  const base::Hash cheap = upload(1);
  const base::Hash fair = upload(2);
  const base::Hash dear = upload(3);
  submit({cheap}, 1'000'000);
  submit({fair}, 2'000'000);
  submit({dear}, 3'000'000);
  ASSERT_TRUE(soon([&] { return is_pinned(cheap) && is_pinned(fair) && is_pinned(dear); }));
  // As dear in all, but for a blob that is larger.
  const base::Hash large = upload(4, 8000);
  submit({large}, 1'500'000, kBob);
  const base::Hash more = upload(5);
  submit({more}, 2'000'000, kBob);
  ASSERT_TRUE(soon([&] { return is_pinned(more); }));
  EXPECT_FALSE(is_pinned(cheap));
  EXPECT_FALSE(is_pinned(large));
  // Of equal ones the later.
  const base::Hash last = upload(6);
  submit({last}, 2'000'000, kBob);
  const base::Hash sign = upload(7);
  submit({sign}, 4'000'000, kBob);
  ASSERT_TRUE(soon([&] { return is_pinned(sign); }));
  EXPECT_FALSE(is_pinned(last));
  EXPECT_FALSE(is_pinned(more));
  EXPECT_TRUE(is_pinned(fair) && is_pinned(dear));
  // An input that is larger than it was taken for while it was not here yet.
  const base::Hash absent = store::BlobManifest::of_piece(bytes_of(8, 40'000)).name();
  submit({absent}, 5'000'000, kBob);
  ASSERT_TRUE(soon([&] { return is_pinned(absent); }));
  upload(8, 40'000);
  EXPECT_TRUE(soon([&] { return !is_pinned(absent); }));
  start_again(3 * 4096);
  EXPECT_FALSE(is_pinned(absent));
}

}  // namespace
}  // namespace starling::node
