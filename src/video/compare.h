#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "video/frames.h"

namespace starling::video {

// Are the frames that a video shows those that were computed? docs/video.md says how the limits come about, and what
// passes and fails.

enum class DifferenceKind {
  kBits,   // pixels differ where they must be equal
  kBlock,  // a block differs by more than encoding loses
  kFrame,  // a whole frame is brighter, darker or tinted
  kPlace,  // a frame is moved or stretched
  kOrder,  // a frame shows the moment of another
};

struct Difference {
  DifferenceKind kind = DifferenceKind::kBlock;
  int frame = 0;
  // kBits: the pixel; kBlock: the upper left pixel of the block; else -1.
  int x = -1;
  int y = -1;
  std::string sentence;  // for people
};

struct Comparison {
  bool matches = false;
  bool identical = false;  // every bit is equal
  int frames = 0;          // compared
  double psnr_db = 0;      // over all compared pixels and channels; 100 if they are equal
  std::optional<Difference> first_difference;
};

// Compares two videos of one size frame by frame, in memory that does not grow with duration. No more loss is allowed
// than encoding can cause, and none where the file is lossless (VideoInfo::lossless). Not thread safe.
class Comparer {
 public:
  static base::Result<std::unique_ptr<Comparer>> open(int width, int height, Rate rate, bool lossless);
  ~Comparer();
  Comparer(const Comparer&) = delete;
  Comparer& operator=(const Comparer&) = delete;

  // The next frame as it was computed and as the file shows it. Precondition: both have the given size.
  base::Status add(const FrameView& computed, const FrameView& shown);
  // Another picture that shows the same computed frame. Precondition: one was added.
  base::Status add_repeat(const FrameView& shown);
  base::Result<Comparison> finish();

 private:
  struct State;
  explicit Comparer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace starling::video
