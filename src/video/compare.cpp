#include "video/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <deque>
#include <utility>

#include "video/block_loss.h"
#include "video/round_trip.h"

namespace starling::video {

using base::Error;
using base::Result;
using base::Status;

namespace {

// The reference: what encoding is taken to lose is learnt from the computed frames at this constant rate factor, worse
// than what people publish. Around it there is room for other encoders, which lose elsewhere: a limit is factor × the
// reference's largest loss nearby + floor. docs/video.md has the measurements behind these numbers.
constexpr int kReferenceQuality = 34;
constexpr double kShiftFactor = 2.6;
constexpr double kShiftFloor = 4;  // levels of 255
constexpr double kEnergyFactor = 6.5;
constexpr double kEnergyFloor = 32;  // levels²
// A block that lost so much energy may have shifted by this share of its root.
constexpr double kShiftOfEnergy = 0.6;
// A codec that loses more than the reference loses it in most of what is busy, and in luma too. An edit does that only
// where it is, or to colours. Of the blocks in which the reference loses kBusyEnergy of luma, three quarters lose up to
// kUsualLoss × as much as the reference nearby; a picture in which they lose more may do so everywhere, up to
// kMostMore.
constexpr double kBusyEnergy = 16;  // levels²
constexpr std::size_t kFewestBusy = 12;
constexpr double kBusyShare = 0.75;
constexpr double kUsualLoss = 0.5;
constexpr double kMostMore = 4;
// Palettes make whole frames darker by up to 1.6 levels, but tint them little.
constexpr std::array<double, kChannels> kFrameShiftFloor = {1.6, 1, 1};
// A frame may lean towards a neighbour by little more than half their difference, since encoders copy from neighbours,
// and by what noise of the reference's energy can add when that difference is small.
constexpr double kLean = 0.6;
constexpr double kLeanNoise = 0.08;
constexpr int kNeighbours = 2;
// The same against the frame moved by a pixel.
constexpr double kPlaceLean = 0.5;

constexpr std::array<const char*, kChannels> kMore = {"brighter", "bluer", "redder"};
constexpr std::array<const char*, kChannels> kLess = {"darker", "less blue", "less red"};

std::string levels(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

struct Entry {
  Planes computed;
  std::vector<Picture> shown;
  std::optional<BlockLoss> reference;
};

// What the reference loses around the blocks of a frame, and a frame before and after, in one channel.
struct Nearby {
  std::vector<float> shift;
  std::vector<float> energy;
};

// How much more than the reference the codec lost in luma, where that is busy; 1 if it lost no more than is usual.
double codec_scale(const std::vector<float>& lost, const std::vector<float>& reference) {
  std::vector<double> shares;
  for (std::size_t block = 0; block < lost.size(); ++block) {
    if (reference[block] >= kBusyEnergy) shares.push_back(static_cast<double>(lost[block]) / reference[block]);
  }
  if (shares.size() < kFewestBusy) return 1;
  const auto place = shares.begin() + static_cast<std::ptrdiff_t>(kBusyShare * static_cast<double>(shares.size()));
  std::nth_element(shares.begin(), place, shares.end());
  return std::clamp(*place / kUsualLoss, 1.0, kMostMore);
}

// A worst case so far: how far over its limit a value is.
struct Worst {
  double excess = 1;
  Difference difference;

  template <typename Describe>
  void offer(double value, double limit, const Describe& describe) {
    if (value / limit <= excess) return;
    excess = value / limit;
    difference = describe();
  }
};

}  // namespace

struct Comparer::State {
  State(int width, int height) : grid(width, height) {}

  Status advance();
  void count(const FrameView& shown);
  void judge(int index, const Planes& shown);
  void judge_blocks(int index, const Planes& shown, const BlockLoss& loss, Worst& worst) const;
  void judge_frame(int index, const Planes& shown, const BlockLoss& loss, Worst& worst) const;
  void judge_order(int index, const Planes& shown, const BlockLoss& loss, Worst& worst) const;
  void judge_place(int index, const Planes& shown, const BlockLoss& loss, Worst& worst) const;
  Nearby nearby(int index, int channel) const;
  double noise(int index) const;
  const Entry& entry(int index) const { return entries[static_cast<std::size_t>(index - first)]; }
  bool found() const { return result.first_difference.has_value(); }

  BlockGrid grid;
  bool lossless = false;
  std::optional<Difference> bits;  // the first
  Picture computed;                // the last
  std::unique_ptr<RoundTrip> reference;
  std::deque<Entry> entries;  // of frames first, first + 1, …
  int first = 0;
  int judged = 0;
  int referenced = 0;
  bool ended = false;
  double squares = 0;
  double samples = 0;
  Comparison result;
};

Comparer::Comparer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Comparer::~Comparer() = default;

Result<std::unique_ptr<Comparer>> Comparer::open(int width, int height, Rate rate, bool lossless) {
  STARLING_TRY(check_size(width, height));
  auto state = std::make_unique<State>(width, height);
  state->lossless = lossless;
  state->result.identical = true;
  if (!lossless) {
    STARLING_ASSIGN(state->reference, RoundTrip::open(width, height, rate, kReferenceQuality));
  }
  return std::unique_ptr<Comparer>(new Comparer(std::move(state)));
}

Status Comparer::add(const FrameView& computed, const FrameView& shown) {
  State& state = *state_;
  ++state.result.frames;
  state.computed = {computed.width, computed.height, {computed.rgb.begin(), computed.rgb.end()}};
  state.count(shown);
  if (state.found() || state.lossless) return {};
  // The frames before have all their pictures now.
  STARLING_TRY(state.advance());
  if (state.found()) return {};
  state.entries.push_back({planes_of(computed), {}, {}});
  state.entries.back().shown.push_back({shown.width, shown.height, {shown.rgb.begin(), shown.rgb.end()}});
  return state.reference->send(computed);
}

Status Comparer::add_repeat(const FrameView& shown) {
  State& state = *state_;
  state.count(shown);
  if (!state.found() && !state.lossless) {
    state.entries.back().shown.push_back({shown.width, shown.height, {shown.rgb.begin(), shown.rgb.end()}});
  }
  return {};
}

// Squares, and bits that differ.
void Comparer::State::count(const FrameView& shown) {
  std::size_t first_other = computed.rgb.size();
  for (std::size_t i = 0; i < computed.rgb.size(); i += 3) {
    int sum = 0;
    for (std::size_t c = i; c < i + 3; ++c) {
      const int difference = static_cast<int>(computed.rgb[c]) - shown.rgb[c];
      sum += difference * difference;
    }
    squares += static_cast<double>(sum);
    if (sum != 0 && first_other == computed.rgb.size()) first_other = i;
  }
  samples += static_cast<double>(computed.rgb.size());
  if (first_other == computed.rgb.size()) return;
  result.identical = false;
  if (bits) return;
  const int index = result.frames - 1;
  const int pixel = static_cast<int>(first_other / 3);
  const int x = pixel % computed.width;
  const int y = pixel / computed.width;
  bits = Difference{DifferenceKind::kBits, index, x, y,
                    "frame " + std::to_string(index) + " differs from the computed one at pixel (" + std::to_string(x) +
                        ", " + std::to_string(y) + ")"};
}

Status Comparer::State::advance() {
  Picture lost;
  while (reference->receive(lost)) {
    Entry& entry = entries[static_cast<std::size_t>(referenced - first)];
    entry.reference = measure_loss(planes_of(lost.view()), entry.computed, grid);
    ++referenced;
  }
  while (!found() && judged < result.frames) {
    const bool ready =
        ended ? referenced == result.frames : judged + 1 < referenced && judged + kNeighbours < result.frames;
    if (!ready) break;
    for (const Picture& shown : entry(judged).shown) {
      if (!found()) judge(judged, planes_of(shown.view()));
    }
    ++judged;
    while (first < judged - kNeighbours) {
      entries.pop_front();
      ++first;
    }
  }
  return {};
}

void Comparer::State::judge(int index, const Planes& shown) {
  const BlockLoss loss = measure_loss(shown, entry(index).computed, grid);
  // A frame out of its place breaks the other limits too; its place is the better answer.
  for (const auto check : {&State::judge_order, &State::judge_blocks, &State::judge_place, &State::judge_frame}) {
    Worst worst;
    (this->*check)(index, shown, loss, worst);
    if (worst.excess > 1) {
      result.first_difference = worst.difference;
      return;
    }
  }
}

Nearby Comparer::State::nearby(int index, int channel) const {
  Nearby found{std::vector<float>(grid.count()), std::vector<float>(grid.count())};
  for (int near = std::max(index - 1, first); near <= std::min(index + 1, referenced - 1); ++near) {
    const std::vector<float> shifts = largest_around(entry(near).reference->shift[channel], grid);
    const std::vector<float> energies = largest_around(entry(near).reference->energy[channel], grid);
    for (std::size_t block = 0; block < grid.count(); ++block) {
      found.shift[block] = std::max(found.shift[block], shifts[block]);
      found.energy[block] = std::max(found.energy[block], energies[block]);
    }
  }
  return found;
}

void Comparer::State::judge_blocks(int index, const Planes& /*shown*/, const BlockLoss& loss, Worst& worst) const {
  double scale = 1;
  for (int c = 0; c < kChannels; ++c) {
    const Nearby reference = nearby(index, c);
    if (c == 0) scale = codec_scale(loss.energy[0], reference.energy);
    for (std::size_t block = 0; block < grid.count(); ++block) {
      const auto describe = [&](const std::string& how, double limit) {
        const int x = grid.left(block);
        const int y = grid.top(block);
        return Difference{DifferenceKind::kBlock, index, x, y,
                          "frame " + std::to_string(index) + " differs from the computed one in the block of " +
                              std::to_string(grid.block_width()) + "x" + std::to_string(grid.block_height()) +
                              " pixels at (" + std::to_string(x) + ", " + std::to_string(y) + "): it is " + how +
                              ", where encoding may change " + levels(limit)};
      };
      const double shifted = loss.shift[c][block];
      const double swing =
          std::max<double>(reference.shift[block], kShiftOfEnergy * std::sqrt(reference.energy[block]));
      const double shift_limit = kShiftFactor * std::sqrt(scale) * swing + kShiftFloor;
      worst.offer(std::abs(shifted), shift_limit, [&] {
        return describe(levels(std::abs(shifted)) + " levels " + (shifted > 0 ? kMore[c] : kLess[c]), shift_limit);
      });
      const double energy_limit = kEnergyFactor * scale * reference.energy[block] + kEnergyFloor;
      worst.offer(loss.energy[c][block], energy_limit, [&] {
        return describe(levels(std::sqrt(loss.energy[c][block])) + " levels off in the mean", std::sqrt(energy_limit));
      });
    }
  }
}

void Comparer::State::judge_frame(int index, const Planes& /*shown*/, const BlockLoss& loss, Worst& worst) const {
  for (int c = 0; c < kChannels; ++c) {
    double reference_shift = 0;
    for (int near = std::max(index - 1, first); near <= std::min(index + 1, referenced - 1); ++near) {
      reference_shift = std::max(reference_shift, std::abs(entry(near).reference->frame_shift[c]));
    }
    const double shifted = loss.frame_shift[c];
    const double limit = kShiftFactor * reference_shift + kFrameShiftFloor[static_cast<std::size_t>(c)];
    worst.offer(std::abs(shifted), limit, [&] {
      return Difference{DifferenceKind::kFrame, index, -1, -1,
                        "frame " + std::to_string(index) + " is " + levels(std::abs(shifted)) + " levels " +
                            (shifted > 0 ? kMore[c] : kLess[c]) + " than the computed one, where encoding may change " +
                            levels(limit)};
    });
  }
}

void Comparer::State::judge_order(int index, const Planes& shown, const BlockLoss& /*loss*/, Worst& worst) const {
  const Entry& here = entry(index);
  const int last = first + static_cast<int>(entries.size()) - 1;
  for (int other = std::max(index - kNeighbours, first); other <= std::min(index + kNeighbours, last); ++other) {
    if (other == index) continue;
    const Planes& there = entry(other).computed;
    double apart = 0;    // |there - here|²
    double towards = 0;  // (shown - here) · (there - here)
    for (std::size_t i = 0; i < here.computed.values.size(); ++i) {
      const double step = static_cast<double>(there.values[i]) - here.computed.values[i];
      apart += step * step;
      towards += step * (static_cast<double>(shown.values[i]) - here.computed.values[i]);
    }
    if (apart == 0) continue;
    worst.offer(towards, kLean * apart + kLeanNoise * noise(index), [&] {
      return Difference{DifferenceKind::kOrder, index, -1, -1,
                        "frame " + std::to_string(index) + " shows the moment of frame " + std::to_string(other)};
    });
  }
}

// What two frames may differ by through encoding alone.
double Comparer::State::noise(int index) const {
  return entry(index).reference->total_energy + static_cast<double>(entry(index).computed.size());
}

// As the order, with the frame itself moved by a pixel in the place of its neighbours.
void Comparer::State::judge_place(int index, const Planes& shown, const BlockLoss& /*loss*/, Worst& worst) const {
  const Planes& here = entry(index).computed;
  const std::size_t width = static_cast<std::size_t>(here.width);
  for (const auto& [across, down] : {std::pair(1, 0), std::pair(-1, 0), std::pair(0, 1), std::pair(0, -1)}) {
    double apart = 0;
    double towards = 0;
    for (std::size_t plane = 0; plane < here.values.size(); plane += here.size()) {
      for (int y = 0; y < here.height; ++y) {
        const auto from_y = static_cast<std::size_t>(std::clamp(y + down, 0, here.height - 1));
        for (int x = 0; x < here.width; ++x) {
          const auto from_x = static_cast<std::size_t>(std::clamp(x + across, 0, here.width - 1));
          const std::size_t at = plane + static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x);
          const double value = here.values[at];
          const double step = here.values[plane + from_y * width + from_x] - value;
          apart += step * step;
          towards += step * (shown.values[at] - value);
        }
      }
    }
    worst.offer(towards, kPlaceLean * apart + kLeanNoise * noise(index), [&] {
      return Difference{DifferenceKind::kPlace, index, -1, -1,
                        "frame " + std::to_string(index) + " is moved or stretched against the computed one"};
    });
  }
}

Result<Comparison> Comparer::finish() {
  State& state = *state_;
  if (state.lossless) {
    state.result.first_difference = state.bits;
  } else if (!state.found() && state.result.frames > 0) {
    STARLING_TRY(state.reference->flush());
    state.ended = true;
    STARLING_TRY(state.advance());
    if (state.referenced != state.result.frames) {
      return Error{base::ErrorCode::kInternal, "the reference encoder gave back " + std::to_string(state.referenced) +
                                                   " of " + std::to_string(state.result.frames) + " frames"};
    }
  }
  Comparison& result = state.result;
  result.matches = !state.found();
  result.psnr_db = state.squares == 0 ? 100 : 10 * std::log10(255.0 * 255.0 * state.samples / state.squares);
  return result;
}

}  // namespace starling::video
