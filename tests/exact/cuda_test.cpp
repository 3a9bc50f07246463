#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "everywhere.h"
#include "exact/cuda/device_engine.h"
#include "exact/engine.h"
#include "exact/plan_body.h"

// The bits of the kernels' bodies are compared with the definitions wherever other backends' are (everywhere.cpp); here
// is what is around them.

namespace starling::exact::cuda {
namespace {

struct Counts {
  std::size_t uploaded = 0;
  int recorded = 0;
  int run = 0;
};

// The emulated device, counted.
class CountedDevice : public Device {
 public:
  CountedDevice(base::ThreadPool& pool, std::size_t bytes, Counts& counts)
      : inner_(emulated_device(pool, bytes)), counts_(counts) {}
  std::string name() const override { return inner_->name(); }
  base::Result<std::size_t> free_bytes() override { return inner_->free_bytes(); }
  base::Result<std::byte*> allocate(std::size_t bytes) override { return inner_->allocate(bytes); }
  void release(std::byte* memory) override { inner_->release(memory); }
  base::Status upload(std::byte* to, base::ByteView from) override {
    counts_.uploaded += from.size();
    return inner_->upload(to, from);
  }
  base::Status download(std::span<std::uint8_t> to, const std::byte* from) override {
    return inner_->download(to, from);
  }
  std::size_t piece_bytes() const override { return inner_->piece_bytes(); }
  base::Result<std::unique_ptr<Recording>> record(std::vector<Work> works) override {
    ++counts_.recorded;
    return inner_->record(std::move(works));
  }
  base::Status run(Recording& recording, const std::function<base::Status()>& stop) override {
    ++counts_.run;
    return inner_->run(recording, stop);
  }

 private:
  std::unique_ptr<Device> inner_;
  Counts& counts_;
};

constexpr std::int64_t kWide = 256;
constexpr std::size_t kWeightBytes = kWide * kWide * sizeof(float);

// x times a weight of 256 KiB.
Plan linear(float factor) {
  Builder b;
  const auto x = b.input("x", Type::kF32, {3, kWide});
  const auto weight = b.input("weight", Type::kF32, {kWide, kWide});
  b.output("y", b.mul(b.dot(x, weight), factor));
  return *Plan::make(*b.finish());
}

class DeviceEngineTest : public testing::Test {
 protected:
  DeviceEngine engine(std::size_t bytes) {
    return DeviceEngine(std::make_unique<CountedDevice>(pool_, bytes, counts_), pool_);
  }
  Tensor random(const Shape& shape) { return random_tensor(Type::kF32, shape, random_); }

  // Runs the plan and compares with the definitions.
  static base::Status run(DeviceEngine& engine, const Plan& plan, const std::vector<Tensor>& given) {
    std::vector<Tensor> outputs{Tensor(Type::kF32, {3, kWide})};
    STARLING_TRY(engine.run(plan, given, outputs, {}));
    const auto expected = run_reference(plan.graph(), given);
    EXPECT_EQ(std::memcmp(outputs[0].bytes().data(), (*expected)[0].bytes().data(), outputs[0].byte_size()), 0);
    return {};
  }

  base::ThreadPool pool_{2};
  Counts counts_;
  std::mt19937 random_{1};
};

TEST_F(DeviceEngineTest, WeightsTravelOnceAndKernelsAreRecordedOnce) {
  DeviceEngine device = engine(64UL << 20);
  const Plan plan = linear(0.5F);
  const Tensor weight = random({kWide, kWide});
  ASSERT_TRUE(run(device, plan, {random({3, kWide}), weight}).ok());
  const std::size_t first = counts_.uploaded;
  EXPECT_GE(first, kWeightBytes);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(device, plan, {random({3, kWide}), weight}).ok());
  EXPECT_EQ(counts_.uploaded - first, 3 * 3 * kWide * sizeof(float)) << "x alone";
  EXPECT_EQ(counts_.recorded, 1);
  EXPECT_EQ(counts_.run, 4);
  // Another plan finds the weight where it is.
  const std::size_t before = counts_.uploaded;
  ASSERT_TRUE(run(device, linear(2.0F), {random({3, kWide}), weight}).ok());
  EXPECT_LT(counts_.uploaded - before, kWeightBytes);
  ASSERT_TRUE(run(device, plan, {random({3, kWide}), weight}).ok());
  EXPECT_EQ(counts_.recorded, 2);
  // A weight of which nobody knew is not mistaken for it, though it may lie where that lay.
  ASSERT_TRUE(run(device, plan, {random({3, kWide}), random({kWide, kWide})}).ok());
  ASSERT_TRUE(run(device, plan, {random({3, kWide}), random({kWide, kWide})}).ok());
}

TEST_F(DeviceEngineTest, PlansNotRunForLongMakeRoom) {
  DeviceEngine device = engine(kWeightBytes * 2);
  std::vector<Plan> plans;
  for (int i = 0; i < 5; ++i) plans.push_back(linear(static_cast<float>(i)));
  for (int round = 0; round < 2; ++round) {
    for (const Plan& plan : plans) {
      ASSERT_TRUE(run(device, plan, {random({3, kWide}), random({kWide, kWide})}).ok());
    }
  }
  EXPECT_EQ(counts_.recorded, 10);
}

TEST_F(DeviceEngineTest, TooLittleMemoryIsSaidBeforeAnythingRuns) {
  DeviceEngine device = engine(kWeightBytes);
  const auto result = run(device, linear(1.0F), {random({3, kWide}), random({kWide, kWide})});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(result.error().message,
            "The CUDA device (emulated on the CPU) has 0 MiB free, and this call needs 1 MiB more; ask for a smaller "
            "size or a shorter video, or unset STARLING_BACKEND");
  EXPECT_EQ(counts_.uploaded, 0U);
  EXPECT_EQ(counts_.run, 0);
}

TEST_F(DeviceEngineTest, StopsWhenAsked) {
  DeviceEngine device = engine(64UL << 20);
  std::vector<Tensor> outputs{Tensor(Type::kF32, {3, kWide})};
  const std::vector<Tensor> given{random({3, kWide}), random({kWide, kWide})};
  const auto result = device.run(linear(1.0F), given, outputs, [] { return base::Status(base::cancelled("enough")); });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::ErrorCode::kCancelled);
}

TEST(Cuda, WithoutADeviceIsOneSentence) {
  auto engine = Engine::create({"cuda", 1});
  if (engine.ok()) GTEST_SKIP() << "there is a device";
  EXPECT_EQ(engine.error().code, base::ErrorCode::kUnsupported);
  EXPECT_NE(engine.error().message.find("unset STARLING_BACKEND"), std::string::npos) << engine.error().message;
}

}  // namespace
}  // namespace starling::exact::cuda
