// Providers and requesters on a real chain behind a real server, with a model of some thousand parameters.
#include <algorithm>
#include <array>
#include <ctime>

#include "base/file.h"
#include "test_network.h"

namespace starling::node {
namespace {

namespace market = ledger::market;
using market::PartState;
using std::chrono::milliseconds;

constexpr std::uint8_t kQuin = 4;  // provides
constexpr std::uint8_t kOwner = 9;

class Network : public testing::Test {
 protected:
  static Terms terms(ledger::Motes max_price = kCredit, std::uint64_t deadline = 60'000) {
    return {max_price, 20'000, deadline};
  }
  // What the one right answer is.
  static std::vector<base::Hash> right_frames(const Order& order, std::size_t part) {
    auto engine = exact::Engine::create({});
    std::vector<base::Hash> hashes;
    generate::Listener listener;
    listener.after_call = [](std::uint32_t) -> base::Status { return {}; };
    listener.frame = [&](std::size_t, const video::FrameView& frame) -> base::Status {
      hashes.push_back(video::frame_hash(frame));
      return {};
    };
    EXPECT_TRUE(generate::run_video(*order.parts[part].job, *engine, listener).ok());
    return hashes;
  }
  ledger::Motes balance(std::uint8_t key) const { return gateway.balance(test_key(key).address()); }
  market::Provider provider(std::uint8_t key) const { return gateway.provider(test_key(key).address()); }
  std::filesystem::path model() const { return test_model().folder; }

  TemporaryFolder temporary;
  TestGateway gateway{temporary.path(), test_model().root};
};

TEST_F(Network, AVideoIsMadeCheckedAndPaid) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request()});
  const auto quote = ann->quote(asked);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  EXPECT_EQ(quote->providers, 1U);
  EXPECT_TRUE(quote->seconds.has_value());
  const ledger::Motes price = *market::part_price(quote->work_per_part, 1'000'000'000);
  EXPECT_EQ(quote->lowest_price, price);
  const ledger::Motes anns = balance(kAnn);
  const ledger::Motes owners = balance(kOwner);
  const auto start = std::chrono::steady_clock::now();
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::vector<base::Hash> frames;
  const auto lost = ann->collect(*task, asked, [&](const Delivery& delivery) -> base::Status {
    EXPECT_EQ(delivery.receipt.executor, test_key(kPia).address());
    return ann->each_frame(delivery, [&](std::size_t, const video::FrameView& frame) -> base::Status {
      frames.push_back(video::frame_hash(frame));
      return {};
    });
  });
  const auto elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  ASSERT_TRUE(lost.ok()) << lost.error().message;
  EXPECT_EQ(lost->lost, 0U);
  EXPECT_TRUE(lost->failed.empty());
  EXPECT_EQ(frames, right_frames(asked, 0));
  RecordProperty("milliseconds", static_cast<int>(elapsed.count()));
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  EXPECT_EQ(balance(kOwner), owners + price / 10);
  EXPECT_LT(balance(kAnn), anns - price);
  EXPECT_EQ(gateway.provider(test_key(kPia).address()).done, 1U);
  gateway.expect_conserved();
}

TEST_F(Network, VideosThatGoOnFromFramesAreMadeToo) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  std::vector<generate::TextToVideo> requests;
  std::vector<generate::GivenFrames> given;
  for (const std::uint8_t shade : {10, 200}) {
    video::Frames picture = *video::make_frames(32, 16, 1, {8, 1});
    std::ranges::fill(picture.rgb, shade);
    requests.push_back(small_request());
    given.push_back(generate::give(requests.back(), picture, {}));
  }
  const auto asked = prepare_order(*models::Checkpoint::open(model()), test_model().root, requests, given);
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_FALSE(prepare_order(*models::Checkpoint::open(model()), test_model().root, requests).ok());
  const auto task = ann->submit(*asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::map<std::uint32_t, std::vector<base::Hash>> frames;
  const auto collected = ann->collect(*task, *asked, [&](const Delivery& delivery) -> base::Status {
    frames[delivery.part] = delivery.receipt.frames;
    return {};
  });
  ASSERT_TRUE(collected.ok()) << collected.error().message;
  ASSERT_EQ(collected->delivered, 2U);
  for (const std::uint32_t part : {0U, 1U}) EXPECT_EQ(frames[part], right_frames(*asked, part));
  EXPECT_NE(frames[0], frames[1]);
  // Who ordered it knows what was given.
  const auto again = ann->order_of(*task, *models::Checkpoint::open(model()), test_model().root);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->parts[1].input.given->rgb, given[1]->rgb);
}

TEST_F(Network, AQuoteCountsThoseThatAnswerAndHaveTheModel) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  auto quin = std::make_unique<TestProvider>(temporary / "quin", gateway.url(), kQuin, model(),
                                             [](ProviderOptions& options) { options.rate /= 2; });
  TestProvider empty(temporary / "empty", gateway.url(), 5, "");
  for (const std::uint8_t key : {kPia, kQuin, std::uint8_t{5}}) ASSERT_TRUE(gateway.wait_until_ready(key));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request()});
  const auto both = ann->quote(asked);
  ASSERT_TRUE(both.ok()) << both.error().message;
  EXPECT_EQ(both->providers, 2U);
  EXPECT_EQ(both->lowest_price, *market::part_price(both->work_per_part, 500'000'000));
  quin.reset();
  const auto one = ann->quote(asked);
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->providers, 1U);
  EXPECT_EQ(one->lowest_price, *market::part_price(both->work_per_part, 1'000'000'000));
}

TEST_F(Network, WhoOrderedNeedsNoGatewayToKnowWhatWasOrdered) {
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(), small_request(4, 8)});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  const models::Checkpoint checkpoint = *models::Checkpoint::open(model());
  TestRequester elsewhere(temporary / "elsewhere", gateway.url(), kAnn);
  EXPECT_TRUE(elsewhere->order_of(*task, checkpoint, asked.model).ok());
  for (std::uint32_t part = 0; part < 2; ++part) {
    ASSERT_TRUE(gateway.blobs().remove(gateway.part(*task, part).input).ok());
  }
  const auto again = ann->order_of(*task, checkpoint, asked.model);
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(again->parts.size(), 2U);
  EXPECT_EQ(again->parts[1].input.request.seed, 8U);
  TestRequester stranger(temporary / "stranger", gateway.url(), kAnn);
  EXPECT_EQ(stranger->order_of(*task, checkpoint, asked.model).error().code, base::ErrorCode::kNotFound);
  // What was kept and damaged is fetched.
  const base::Hash input = gateway.part(*task, 0).input;
  ASSERT_TRUE(base::write_file(temporary / "ann" / "orders" / input.hex(), base::as_bytes("{}")).ok());
  EXPECT_FALSE(ann->order_of(*task, checkpoint, asked.model).ok());
  ASSERT_TRUE(gateway.blobs().put(encode_part_input(asked.parts[0].input), unix_seconds()).ok());
  EXPECT_TRUE(ann->order_of(*task, checkpoint, asked.model).ok());
}

TEST_F(Network, ABatchIsSplitAndJoined) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  TestProvider quin(temporary / "quin", gateway.url(), kQuin, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  ASSERT_TRUE(gateway.wait_until_ready(kQuin));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  std::vector<generate::TextToVideo> requests;
  for (std::uint64_t seed = 0; seed < 10; ++seed) requests.push_back(small_request(20, seed));
  const Order asked = order_of(requests);
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::map<std::uint32_t, std::vector<base::Hash>> frames;
  std::map<base::Address, int> made;
  const auto lost = ann->collect(*task, asked, [&](const Delivery& delivery) -> base::Status {
    frames[delivery.part] = delivery.receipt.frames;
    ++made[delivery.receipt.executor];
    return {};
  });
  ASSERT_TRUE(lost.ok()) << lost.error().message;
  EXPECT_EQ(lost->lost, 0U);
  EXPECT_TRUE(lost->failed.empty());
  EXPECT_EQ(frames.size(), 10U);
  EXPECT_EQ(frames[3], right_frames(asked, 3));
  EXPECT_EQ(made.size(), 2U) << "both providers work";
  ASSERT_TRUE(gateway.wait_until_settled(*task, 10));
  gateway.expect_conserved();
}

TEST_F(Network, AProviderWhoseClockIsWrongBidsDeliversAndKeepsAsOthersDo) {
  for (const auto wrong : {std::chrono::hours(24 * 365), std::chrono::hours(-24 * 365)}) {
    const std::string home = wrong.count() > 0 ? "ahead" : "behind";
    TestProvider provider(temporary / home, gateway.url(), kPia, test_model().folder, [&](ProviderOptions& options) {
      options.clock = [wrong] { return std::chrono::system_clock::now() + wrong; };
    });
    ASSERT_TRUE(gateway.wait_until_ready(kPia));
    TestRequester ann(temporary / (home + " ann"), gateway.url(), kAnn);
    const Order asked = order_of({small_request(4, wrong.count() > 0 ? 1 : 2)});
    const auto task = ann->submit(asked, {kCredit, 20'000, 60'000});
    ASSERT_TRUE(task.ok()) << task.error().message;
    ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
    EXPECT_EQ(gateway.part(*task, 0).state, market::PartState::kPaid) << home;
    const auto result = provider.provider().result({*task, 0});
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_NEAR(static_cast<double>(result->finished), static_cast<double>(unix_seconds()), 120) << home;
  }
  gateway.expect_conserved();
}

TEST_F(Network, PartsThatRunTogetherShareTheMemory) {
  const Order asked = order_of({small_request(400, 0), small_request(400, 1), small_request(400, 2)});
  const std::uint64_t each = needed_mebibytes(*asked.parts[0].job);
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  // The most parts that a provider with two workers and so much memory runs at a time.
  const auto most = [&](std::uint8_t key, std::uint64_t memory) {
    TestProvider provider(temporary / std::to_string(key), gateway.url(), key, model(), [&](ProviderOptions& options) {
      options.workers = 2;
      options.threads = 3;
      options.memory_mebibytes = memory;
    });
    EXPECT_TRUE(gateway.wait_until_ready(key));
    const auto task = ann->submit(asked, terms());
    EXPECT_TRUE(task.ok());
    std::ptrdiff_t running = 0;
    EXPECT_TRUE(gateway.wait_until([&] {
      const base::Json status = provider.provider().status();
      const auto& parts = status.find("parts")->elements();
      running = std::max(running, std::ranges::count_if(parts, [](const base::Json& part) {
                           return *part.find("running")->as_boolean();
                         }));
      return std::ranges::all_of(std::array{0U, 1U, 2U}, [&](std::uint32_t part) {
        return gateway.part(*task, part).state == PartState::kRevealed ||
               gateway.part(*task, part).state == PartState::kPaid;
      });
    }));
    return running;
  };
  EXPECT_EQ(most(kPia, 2 * each), 2);
  EXPECT_EQ(most(kQuin, 2 * each - 1), 1);
}

TEST_F(Network, AProviderThatIsGoneHoldsUpNoOthersParts) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  auto quin = std::make_unique<TestProvider>(temporary / "quin", gateway.url(), kQuin, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  ASSERT_TRUE(gateway.wait_until_ready(kQuin));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  std::vector<generate::TextToVideo> requests;
  for (std::uint64_t seed = 0; seed < 6; ++seed) requests.push_back(small_request(20, seed));
  const Order asked = order_of(requests);
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until_settled(*task, 6));
  quin.reset();
  std::size_t hers = 0;
  for (std::uint32_t part = 0; part < 6; ++part) {
    if (gateway.part(*task, part).provider == test_key(kPia).address()) ++hers;
  }
  ASSERT_GT(hers, 0U);
  ASSERT_LT(hers, 6U);
  std::size_t delivered = 0;
  const auto collected = ann->collect(
      *task, asked,
      [&](const Delivery& delivery) -> base::Status {
        EXPECT_EQ(delivery.receipt.executor, test_key(kPia).address());
        ++delivered;
        return {};
      },
      nullptr, std::chrono::seconds(1));
  ASSERT_TRUE(collected.ok()) << collected.error().message;
  EXPECT_EQ(delivered, hers);
  EXPECT_EQ(collected->delivered, hers);
  EXPECT_EQ(collected->failed.size(), 6 - hers);
  for (const auto& [part, error] : collected->failed) {
    EXPECT_NE(error.message.find("provider " + test_key(kQuin).address().text() + " at http://"), std::string::npos)
        << error.message;
    EXPECT_NE(error.message.find("does not hand out part " + std::to_string(part)), std::string::npos);
  }
  // It is back: what was paid for is there.
  TestProvider back(temporary / "quin", gateway.url(), kQuin, model());
  const auto later = ann->collect(*task, asked, [](const Delivery&) -> base::Status { return {}; });
  ASSERT_TRUE(later.ok()) << later.error().message;
  EXPECT_EQ(later->delivered, 6U);
  EXPECT_EQ(collected->lost, 0U);
}

TEST_F(Network, TheRequesterMayGo) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  const ledger::Motes before = balance(kPia);
  std::uint64_t task = 0;
  {
    TestRequester ann(temporary / "ann", gateway.url(), kAnn);
    const auto submitted = ann->submit(order_of({small_request()}), terms());
    ASSERT_TRUE(submitted.ok()) << submitted.error().message;
    task = *submitted;
  }
  ASSERT_TRUE(gateway.wait_until_settled(task, 1));
  EXPECT_EQ(gateway.part(task, 0).state, PartState::kPaid);
  EXPECT_GT(balance(kPia), before);
  gateway.expect_conserved();
}

TEST_F(Network, AGatewayMayBeAwayForAWhile) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(200)});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  std::thread trouble([&] { gateway.restart(std::chrono::milliseconds(500)); });
  const auto collected = ann->collect(*task, asked, [](const Delivery&) -> base::Status { return {}; });
  trouble.join();
  ASSERT_TRUE(collected.ok()) << collected.error().message;
  EXPECT_EQ(collected->delivered, 1U);
  gateway.expect_conserved();
}

TEST_F(Network, ACancelledRunIsPaidAsFarAsItGot) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(1000)});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until([&] {
    const auto progress = pia.provider().progress({*task, 0});
    return progress.ok() && progress->calls_done > 5;
  }));
  const auto shown = ann->progress({*task, 0, gateway.part(*task, 0)});
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  EXPECT_EQ(shown->state, "running");
  EXPECT_EQ(shown->calls, 1000U + 5U);
  ASSERT_TRUE(ann->cancel(*task).ok());
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  const market::Part part = gateway.part(*task, 0);
  EXPECT_EQ(part.state, PartState::kPartlyPaid);
  EXPECT_GT(part.calls, 5U);
  EXPECT_LT(part.calls, 1005U);
  EXPECT_EQ(provider(kPia).late, 0U);
  gateway.expect_conserved();
  // The provider is free for the next.
  const Order next = order_of({small_request()});
  const auto again = ann->submit(next, terms());
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE(gateway.wait_until_settled(*again, 1));
  EXPECT_EQ(gateway.part(*again, 0).state, PartState::kPaid);
}

TEST_F(Network, WhatIsReadyWhenItsTaskIsCancelledIsDeliveredAndPaid) {
  std::atomic<bool> lose = true;
  std::atomic<int> lost = 0;
  gateway.chain().before = [&](const ledger::Transaction& transaction) {
    if (!lose || ledger::message_name(transaction.message) != std::string("CommitResult")) return true;
    ++lost;
    return false;
  };
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request()});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until([&] { return lost > 0; }));
  EXPECT_EQ(pia.provider().result({*task, 0}).error().code, base::ErrorCode::kNotFound) << "nothing binds it yet";
  ASSERT_TRUE(ann->cancel(*task).ok());
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kStopped);
  lose = false;
  std::size_t frames = 0;
  const auto collected = ann->collect(*task, asked, [&](const Delivery& delivery) -> base::Status {
    frames = delivery.receipt.frames.size();
    return {};
  });
  ASSERT_TRUE(collected.ok()) << collected.error().message;
  EXPECT_EQ(collected->lost, 0U);
  EXPECT_EQ(frames, 9U);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  EXPECT_EQ(gateway.part(*task, 0).calls, 0U);
  EXPECT_EQ(provider(kPia).done, 1U);
  gateway.expect_conserved();
}

TEST_F(Network, WhatNobodyCanTakeIsRefundedAtTheDeadline) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request()});
  const ledger::Motes before = balance(kAnn);
  std::vector<std::uint64_t> tasks;
  const auto submit = [&](const std::function<void(market::SubmitTask&)>& change) {
    market::SubmitTask message;
    const generate::VideoJob& job = *asked.parts[0].job;
    message.program = job.program_root();
    message.model = asked.model;
    const auto blob = gateway.blobs().put(encode_part_input(asked.parts[0].input), unix_seconds());
    message.inputs = {*blob};
    message.work_per_part = priced_work(job.program().work());
    message.calls = static_cast<std::uint32_t>(job.program().calls().size());
    message.memory_mebibytes = needed_mebibytes(job);
    message.max_price = kCredit;
    message.time_limit = 1000;
    message.deadline = static_cast<std::uint64_t>(unix_seconds()) * 1000 + 2500;
    message.assurance = "single";
    change(message);
    const auto done = ann.account().carry_out(message);
    ASSERT_TRUE(done.ok()) << done.error().message;
    tasks.push_back(tasks.size() + 1);
  };
  submit([](market::SubmitTask& task) { task.program.bytes[0] ^= 1; });
  submit([](market::SubmitTask& task) { task.work_per_part -= 1; });
  submit([](market::SubmitTask& task) { task.calls += 1; });
  submit([](market::SubmitTask& task) { task.memory_mebibytes = 0; });
  submit([](market::SubmitTask& task) { task.memory_mebibytes = 1'000'000; });
  submit([](market::SubmitTask& task) { task.model = {}; });
  submit([](market::SubmitTask& task) { task.max_price = 1; });
  submit([](market::SubmitTask& task) { task.inputs[0].bytes[0] ^= 1; });  // a blob that nobody has
  submit([&](market::SubmitTask& task) {
    const std::string text = "{}";
    task.inputs.push_back(*gateway.blobs().put(base::as_bytes(text), unix_seconds()));
  });
  for (const std::uint64_t task : tasks) {
    ASSERT_TRUE(gateway.wait_until_settled(task, 1));
    EXPECT_EQ(gateway.part(task, 0).state, PartState::kRefunded) << task;
  }
  EXPECT_EQ(provider(kPia).late + provider(kPia).done, 0U);
  EXPECT_GT(balance(kAnn), before - kCredit / 1000) << "only fees";
  gateway.expect_conserved();
}

TEST_F(Network, AModelThatIsMissingIsFetched) {
  ASSERT_TRUE(gateway.models().add(model()).ok());
  TestProvider pia(temporary / "pia", gateway.url(), kPia, {},
                   [](ProviderOptions& options) { options.any_model = true; });
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request()});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
}

TEST_F(Network, WhatIsDeliveredIsNotBelieved) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const Order asked = order_of({small_request(4, 1), small_request(4, 2)});
  const auto task = ann->submit(asked, terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  ASSERT_TRUE(gateway.wait_until_settled(*task, 2));
  const PartEntry first{*task, 0, gateway.part(*task, 0)};
  const PartEntry second{*task, 1, gateway.part(*task, 1)};
  const auto refused = [&](const ReadyPart& wanted, const PartEntry& part) {
    const auto delivery = ann->fetch(wanted, part);
    return !delivery.ok() && delivery.error().code == base::ErrorCode::kCorrupt;
  };
  EXPECT_TRUE(refused(asked.parts[1], first)) << "another request";
  PartEntry other = first;
  other.part.receipt = second.part.receipt;
  EXPECT_TRUE(refused(asked.parts[0], other)) << "not the receipt in the ledger";
  other = first;
  other.part.output_root = second.part.output_root;
  EXPECT_TRUE(refused(asked.parts[0], other)) << "not the roots in the ledger";
  other = first;
  other.part.state = PartState::kHeld;
  EXPECT_FALSE(ann->fetch(asked.parts[0], other).ok()) << "no result";
  const auto delivery = ann->fetch(asked.parts[0], first);
  ASSERT_TRUE(delivery.ok()) << delivery.error().message;
  EXPECT_EQ(delivery->receipt.frames, right_frames(asked, 0));
}

TEST_F(Network, TasksThatPayNothingHideNoOthers) {
  TestRequester quin(temporary / "quin", gateway.url(), kQuin);
  market::SubmitTask worthless;
  worthless.model = test_model().root;
  worthless.inputs.resize(1);
  worthless.work_per_part = market::kRateWork;
  worthless.calls = 1;
  worthless.memory_mebibytes = 1;
  worthless.max_price = 1;
  worthless.time_limit = 20'000;
  worthless.deadline = static_cast<std::uint64_t>(std::time(nullptr) + 600) * 1000;
  worthless.assurance = "single";
  for (int batch = 0; batch < 22; ++batch) {
    const auto sent = quin.account().send(std::vector<ledger::Message>(50, worthless));
    ASSERT_TRUE(sent.ok()) << sent.error().message;
    for (const auto& receipt : *sent) ASSERT_TRUE(receipt.fine()) << receipt.fault;
  }
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model());
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  const auto task = ann->submit(order_of({small_request()}), terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_GT(*task, 1000U);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1));
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
}

TEST_F(Network, ABidMadeTwiceIsRefusedAndCostsAFee) {
  TestProvider pia(temporary / "pia", gateway.url(), kPia, model(), [](ProviderOptions& options) {
    options.hours = Hours{25, 26};
  });  // never bids by itself
  ASSERT_TRUE(gateway.wait_until_ready(kPia));
  TestRequester ann(temporary / "ann", gateway.url(), kAnn);
  TestRequester same_key(temporary / "pia-too", gateway.url(), kPia);
  const auto task = ann->submit(order_of({small_request()}), terms());
  ASSERT_TRUE(task.ok()) << task.error().message;
  const auto sent = same_key.account().send({market::ClaimTask{*task, 1, 1000}, market::ClaimTask{*task, 1, 900}});
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  EXPECT_TRUE((*sent)[0].fine());
  EXPECT_EQ((*sent)[1].fault, "CLAIM_TWICE");
  EXPECT_GT((*sent)[1].fee, 0U);
  ASSERT_TRUE(gateway.wait_until_settled(*task, 1)) << "what it has won it does, whoever made the bid";
  EXPECT_EQ(gateway.part(*task, 0).state, PartState::kPaid);
  gateway.expect_conserved();
}

// Two programs with one key: neither loses a transaction to the other's nonces.
TEST_F(Network, AKeyMayBeSharedByPrograms) {
  TestRequester one(temporary / "one", gateway.url(), kAnn);
  TestRequester two(temporary / "two", gateway.url(), kAnn);
  std::atomic<ledger::Motes> moved = 0;
  const auto send = [&](TestRequester& who, ledger::Motes motes) {
    for (int i = 0; i < 20; ++i) {
      const auto done = who.account().carry_out(ledger::bank::Transfer{test_key(2).address(), motes});
      EXPECT_TRUE(done.ok()) << done.error().message;
      moved += done.ok() ? motes : 0;
    }
  };
  const ledger::Motes before = balance(2);
  std::thread first([&] { send(one, 1); });
  std::thread second([&] { send(one, 1); });
  send(two, 100);
  first.join();
  second.join();
  EXPECT_EQ(moved, 2040U);
  EXPECT_EQ(balance(2), before + moved);
}

}  // namespace
}  // namespace starling::node
