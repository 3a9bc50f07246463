#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <type_traits>

#include "exact/cuda/device.h"

namespace starling::exact::cuda {
namespace {

// A block's threads, one after another.
template <int kThreads>
struct LoopBlock {
  template <class T>
  class PerThread {
   public:
    PerThread() : values_(kThreads) {}
    T& operator()(int thread) { return values_[static_cast<std::size_t>(thread)]; }

   private:
    std::vector<T> values_;
  };

  template <class F>
  void each(F f) const {
    for (int thread = 0; thread < kThreads; ++thread) f(thread);
  }
  void meet() const {}

  // mma.sync.m16n8k32 of each warp, from and to where its lanes hold the numbers (exact/cuda/integer_dot.h).
  template <class Registers>
  void multiply(PerThread<Registers>& registers, int i, int j, bool a_is_unsigned) const {
    for (int warp = 0; warp < kThreads; warp += 32) {
      std::int16_t left[16][32];
      std::int16_t right[8][32];
      for (int lane = 0; lane < 32; ++lane) {
        const Registers& own = registers(warp + lane);
        for (int byte = 0; byte < 4; ++byte) {
          const int k = lane % 4 * 4 + byte;
          const auto number = [&](std::uint32_t word, bool is_unsigned) {
            const auto bits = static_cast<std::uint8_t>(word >> (byte * 8));
            return static_cast<std::int16_t>(is_unsigned ? bits : static_cast<std::int8_t>(bits));
          };
          left[lane / 4][k] = number(own.a[i][0], a_is_unsigned);
          left[lane / 4 + 8][k] = number(own.a[i][1], a_is_unsigned);
          left[lane / 4][k + 16] = number(own.a[i][2], a_is_unsigned);
          left[lane / 4 + 8][k + 16] = number(own.a[i][3], a_is_unsigned);
          right[lane / 4][k] = number(own.b[j][0], false);
          right[lane / 4][k + 16] = number(own.b[j][1], false);
        }
      }
      for (int lane = 0; lane < 32; ++lane) {
        for (int n = 0; n < 4; ++n) {
          const std::int16_t* const row = left[lane / 4 + n / 2 * 8];
          const std::int16_t* const column = right[lane % 4 * 2 + n % 2];
          std::int32_t sum = 0;
          for (int k = 0; k < 32; ++k) sum += row[k] * column[k];
          registers(warp + lane).sums[i][j][n] += sum;
        }
      }
    }
  }
};

class WorkList : public Recording {
 public:
  explicit WorkList(std::vector<Work> list) : works(std::move(list)) {}
  std::vector<Work> works;
};

class EmulatedDevice : public Device {
 public:
  EmulatedDevice(base::ThreadPool& pool, std::size_t bytes) : pool_(pool), free_(bytes) {}
  EmulatedDevice(const EmulatedDevice&) = delete;
  EmulatedDevice& operator=(const EmulatedDevice&) = delete;
  ~EmulatedDevice() override {
    for (const auto& [memory, bytes] : allocated_) std::free(memory);
  }

  std::string name() const override { return "emulated on the CPU"; }
  base::Result<std::size_t> free_bytes() override { return free_; }
  std::size_t piece_bytes() const override { return std::size_t{64} << 10; }

  base::Result<std::byte*> allocate(std::size_t bytes) override {
    const std::size_t rounded = aligned(bytes);
    auto* const memory = rounded > free_
                             ? nullptr
                             : static_cast<std::byte*>(std::aligned_alloc(kAlignment, std::max(rounded, kAlignment)));
    if (memory == nullptr) return base::limit_error("no memory");
    allocated_[memory] = rounded;
    free_ -= rounded;
    return memory;
  }
  void release(std::byte* memory) override {
    const auto found = allocated_.find(memory);
    if (found == allocated_.end()) return;
    free_ += found->second;
    allocated_.erase(found);
    std::free(memory);
  }
  base::Status upload(std::byte* to, base::ByteView from) override {
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
    return {};
  }
  base::Status download(std::span<std::uint8_t> to, const std::byte* from) override {
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
    return {};
  }
  base::Result<std::unique_ptr<Recording>> record(std::vector<Work> works) override {
    return std::unique_ptr<Recording>(std::make_unique<WorkList>(std::move(works)));
  }
  base::Status run(Recording& recording, const std::function<base::Status()>& stop) override {
    for (const Work& work : static_cast<WorkList&>(recording).works) {
      if (stop) STARLING_TRY(stop());
      std::visit([this](const auto& kernel) { launch(kernel); }, work);
    }
    return {};
  }

 private:
  template <class Kernel>
  void launch(const Kernel& kernel) {
    if constexpr (requires { Kernel::kThreads; }) {
      pool_.run(static_cast<std::size_t>(kernel.count), 1, [&](std::size_t begin, std::size_t end, int) {
        const LoopBlock<Kernel::kThreads> block;
        const auto shared = std::make_unique<typename Kernel::Shared>();
        for (std::size_t i = begin; i < end; ++i) kernel(block, *shared, static_cast<std::int64_t>(i));
      });
    } else {
      pool_.run(static_cast<std::size_t>(kernel.count), 256, [&](std::size_t begin, std::size_t end, int) {
        for (std::size_t i = begin; i < end; ++i) kernel(static_cast<std::int64_t>(i));
      });
    }
  }

  template <class Kernel>
  void launch(const ByRows<Kernel>& rows) {
    const Kernel& kernel = rows.kernel;
    pool_.run(static_cast<std::size_t>(kernel.teams), 1, [&](std::size_t begin, std::size_t end, int) {
      for (auto team = static_cast<std::int64_t>(begin); team < static_cast<std::int64_t>(end); ++team) {
        for (std::int64_t row = team; row < kernel.count; row += kernel.teams) kernel(LoopTeam{}, row, team);
      }
    });
  }

  base::ThreadPool& pool_;
  std::size_t free_;
  std::map<std::byte*, std::size_t> allocated_;
};

}  // namespace

std::unique_ptr<Device> emulated_device(base::ThreadPool& pool, std::size_t bytes) {
  return std::make_unique<EmulatedDevice>(pool, bytes);
}

}  // namespace starling::exact::cuda
